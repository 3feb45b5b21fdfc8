// The machine's network as the search for the link sees it: a port, which Kernel fills in on a real
// machine, and recorded trees and answers in tests.
import type { InterfaceTree } from './interface-tree.ts';
import type { Route } from './route-tables.ts';

/** Where a packet goes first on its way to an address. */
export interface Hop {
  readonly device: string;
  readonly gateway?: string | undefined;
  /** The address is one of this machine's own. */
  readonly isLocal: boolean;
}

/** What ip(8) knows of an interface beyond /sys. */
export interface LinkKind {
  /** `veth`, `vlan`, `wireguard`; undefined for a card. */
  readonly kind: string | undefined;
  /** The other end, or the card below, is in another network namespace. */
  readonly endsElsewhere: boolean;
  /** The interface it is bound to. */
  readonly below: string | undefined;
  /** A tunnel's other end. */
  readonly remote: string | undefined;
  readonly master: string | undefined;
}

export interface Machine {
  readonly tree: Pick<InterfaceTree, 'exists' | 'facts' | 'nameOf'>;
  /** To be called before a search. */
  forget(): void;
  /**
   * Empty when there is no route. Several next hops when the kernel spreads connections over them.
   */
  routesTo(address: string): Promise<readonly Hop[]>;
  mainRoutes(): readonly Route[];
  kindOf(name: string): Promise<LinkKind | undefined>;
  /**
   * The port of the bridge behind which the neighbour `address` was last heard; undefined when it
   * was not.
   */
  portTowards(bridge: string, address: string): Promise<string | undefined>;
  pppoeDevices(): readonly string[];
  /** Another text when anything changed that may lead to another link. */
  networkState(interfaces: readonly string[]): string;
}

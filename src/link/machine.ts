// The machine's network as the search for the link sees it. This is a port: Kernel implements it on
// a real machine, tests use recorded trees and answers.
import type { InterfaceTree } from './interface-tree.ts';
import type { Route } from './route-tables.ts';

/** The first step of a packet on its way to an address. */
export interface Hop {
  readonly device: string;
  readonly gateway?: string | undefined;
  /** True if the address belongs to this machine. */
  readonly isLocal: boolean;
}

/** What ip(8) knows about an interface beyond /sys. */
export interface LinkKind {
  /** `veth`, `vlan`, `wireguard`; undefined for a card. */
  readonly kind: string | undefined;
  /** True if the other end, or the card below, is in another network namespace. */
  readonly endsElsewhere: boolean;
  /** The interface that it is bound to. */
  readonly below: string | undefined;
  /** The other end of a tunnel. */
  readonly remote: string | undefined;
  readonly master: string | undefined;
}

export interface Machine {
  readonly tree: Pick<InterfaceTree, 'exists' | 'facts' | 'nameOf'>;
  /** Call before a search. */
  forget(): void;
  /**
   * Resolves with no hop if there is no route, and with several if the kernel spreads connections
   * over them.
   */
  routesTo(address: string): Promise<readonly Hop[]>;
  mainRoutes(): readonly Route[];
  kindOf(name: string): Promise<LinkKind | undefined>;
  /**
   * The port of the bridge behind which the neighbour `address` was last seen; undefined if it was
   * not.
   */
  portTowards(bridge: string, address: string): Promise<string | undefined>;
  pppoeDevices(): readonly string[];
  /** A text that changes when anything changes that may lead to another link. */
  networkState(interfaces: readonly string[]): string;
}

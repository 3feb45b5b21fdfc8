// Follows the device of a route down to what carries the line: a bridge's port towards the gateway,
// the cards below a VLAN or a bond, the card that a tunnel's outer packets leave through. Only
// there can all traffic be counted. Deterministic, given the machine's answers.
import type { InterfaceFacts } from './interface-tree.ts';
import type { Hop, LinkKind, Machine } from './machine.ts';
import { routesBeside } from './route-tables.ts';

export interface Carriers {
  /** The interfaces whose counters add up to the line. */
  readonly names: readonly string[];
  /** Every device on the way down, beginning with the route's own. */
  readonly chain: readonly string[];
  /** What these counters do not show, and the remedy, one sentence each. */
  readonly blindSpots: readonly string[];
  /** How many bytes tunnels add to each packet. */
  readonly encapsulationBytes: number;
}

/** How many devices may be stacked: tunnels in tunnels, on a VLAN, on a bond, on a bridge. */
const DEEPEST = 8;
/** ARPHRD_… in if_arp.h. */
const LOOPBACK = 772;
const TUNNEL_TYPES: readonly number[] = [512, 65_534, 768, 769, 776, 778, 823];
const TUNNEL_KINDS =
  /^(wireguard|tun|ppp|vxlan|geneve|gre|gretap|erspan|ip6gre|ip6gretap|ip6erspan|ipip|ip6tnl|sit|vti6?|xfrm|gtp|bareudp|amt)$/;
/**
 * Outer headers over IPv4. vxlan carries Ethernet inside UDP; WireGuard adds 32 bytes of its own,
 * and OpenVPN is similar.
 */
const ENCAPSULATION_BYTES: Readonly<Record<string, number>> = {
  ...{ vxlan: 50, geneve: 50, gre: 24, gretap: 38, erspan: 50, ipip: 20, sit: 20, ip6tnl: 40, ppp: 8 },
};
const USUAL_ENCAPSULATION_BYTES = 60;

/** Follows `hop`, the first step towards `address`, down to what carries it. */
export async function carriersOf(hop: Hop, address: string, machine: Machine): Promise<Carriers> {
  if (hop.isLocal) return only(hop.device, [LOCAL_ENDPOINT]);
  return new Descent(machine, hop.gateway ?? address).below(hop.device, []);
}

const LOCAL_ENDPOINT =
  'the endpoint is an address of this machine, and another program sends what leaves it: set link.interface to the card that leads out';

class Descent {
  readonly #machine: Machine;
  readonly #neighbour: string;

  constructor(machine: Machine, neighbour: string) {
    this.#machine = machine;
    this.#neighbour = neighbour;
  }

  async below(name: string, above: readonly string[]): Promise<Carriers> {
    const facts = this.#machine.tree.facts(name);
    if (facts === undefined || !facts.isVirtual || above.length >= DEEPEST || above.includes(name))
      return only(name);
    if (facts.hardwareType === LOOPBACK) return only(name, [LOCAL_ENDPOINT]);
    const kind = await this.#machine.kindOf(name);
    const chain = [...above, name];
    if (facts.deviceType === 'bridge' || kind?.kind === 'bridge') return this.#bridge(facts, chain);
    if (isTunnel(facts, kind)) return this.#tunnel(facts, kind, chain);
    if (facts.lower.length > 0) return this.#all(name, facts.lower, chain);
    return only(name, this.#endsElsewhere(facts, kind) ? [containerText(name)] : []);
  }

  async #bridge({ name, lower }: InterfaceFacts, chain: readonly string[]): Promise<Carriers> {
    const cards = lower.filter((port) => this.#standsOnCard(port));
    if (cards.length === 1) return this.#all(name, cards, chain);
    const port = await this.#machine.portTowards(name, this.#neighbour);
    if (port !== undefined && lower.includes(port)) {
      if (!(await this.#isGuest(port))) return this.#all(name, [port], chain);
      return { ...only(port, [guestText(name, port)]), chain: [name, port] };
    }
    const ports = cards.length > 0 ? cards : lower;
    if (ports.length > 0) return this.#all(name, ports, chain);
    return only(name, [`${name} is a bridge without a port: what its guests send is not seen`]);
  }

  /** True if the port of a bridge leads to a card, not to a guest. */
  #standsOnCard(name: string, depth = 0): boolean {
    const facts = this.#machine.tree.facts(name);
    if (facts === undefined || depth >= DEEPEST) return false;
    return !facts.isVirtual || facts.lower.some((below) => this.#standsOnCard(below, depth + 1));
  }

  /** True for the tap device of a virtual machine. */
  async #isGuest(port: string): Promise<boolean> {
    return (await this.#machine.kindOf(port))?.kind === 'tun' && !this.#standsOnCard(port);
  }

  async #tunnel(
    facts: InterfaceFacts,
    kind: LinkKind | undefined,
    chain: readonly string[],
  ): Promise<Carriers> {
    const { name } = facts;
    const outer = await this.#outerDevices(facts, kind, chain);
    if (outer.length === 0) {
      // A modem's ppp0 or raw-IP device is the line itself.
      const isLine = facts.hardwareType === 512 || facts.deviceType === 'wwan';
      return only(name, isLine ? [] : [tunnelText(name)]);
    }
    const found = await this.#all(name, outer, chain);
    const encapsulation =
      ENCAPSULATION_BYTES[kind?.kind ?? facts.deviceType ?? ''] ?? USUAL_ENCAPSULATION_BYTES;
    return { ...found, encapsulationBytes: found.encapsulationBytes + encapsulation };
  }

  async #outerDevices(
    facts: InterfaceFacts,
    kind: LinkKind | undefined,
    chain: readonly string[],
  ): Promise<readonly string[]> {
    const { name, lower, hardwareType } = facts;
    if (lower.length > 0) return lower;
    const bound = kind?.below ?? this.#linked(facts);
    if (bound !== undefined) return [bound];
    const usable = (devices: readonly string[]) =>
      [...new Set(devices)].filter((device) => !chain.includes(device));
    if (kind?.remote !== undefined) {
      const hops = await this.#machine.routesTo(kind.remote);
      return usable(hops.map(({ device }) => device));
    }
    if (hardwareType === 512) return usable(this.#machine.pppoeDevices());
    return usable(routesBeside(name, this.#machine.mainRoutes()).map(({ device }) => device));
  }

  #linked({ index, linkedIndex }: InterfaceFacts): string | undefined {
    return linkedIndex === index || linkedIndex === 0 ? undefined : this.#machine.tree.nameOf(linkedIndex);
  }

  #endsElsewhere(facts: InterfaceFacts, kind: LinkKind | undefined): boolean {
    if (kind !== undefined) return kind.endsElsewhere;
    return facts.linkedIndex !== facts.index;
  }

  async #all(name: string, lower: readonly string[], chain: readonly string[]): Promise<Carriers> {
    const found: Carriers[] = [];
    for (const one of lower) found.push(await this.below(one, chain));
    const joined = join(found);
    return { ...joined, chain: unique([name, ...joined.chain]) };
  }
}

/** Joins several ways out. */
export function join(found: readonly Carriers[]): Carriers {
  return {
    names: unique(found.flatMap(({ names }) => names)).sort(),
    chain: unique(found.flatMap(({ chain }) => chain)),
    blindSpots: unique(found.flatMap(({ blindSpots }) => blindSpots)),
    encapsulationBytes: Math.max(0, ...found.map(({ encapsulationBytes }) => encapsulationBytes)),
  };
}

function only(name: string, blindSpots: readonly string[] = []): Carriers {
  return { names: [name], chain: [name], blindSpots, encapsulationBytes: 0 };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function isTunnel({ hardwareType, deviceType }: InterfaceFacts, kind: LinkKind | undefined): boolean {
  if (kind?.kind !== undefined) return TUNNEL_KINDS.test(kind.kind);
  return TUNNEL_TYPES.includes(hardwareType) || TUNNEL_KINDS.test(deviceType ?? '');
}

function containerText(name: string): string {
  return `${name} ends outside of this container or network namespace: the traffic of the host and of other containers is not seen: use host networking (network_mode: host)`;
}

function guestText(bridge: string, port: string): string {
  return `${bridge} reaches its gateway through ${port}, a guest of this machine: what other guests send through that gateway is not seen: set link.interface to the card that leads out`;
}

function tunnelText(name: string): string {
  return `${name} is a tunnel, and the card that its packets leave through was not found: other traffic on that card is not seen: set link.interface to it`;
}

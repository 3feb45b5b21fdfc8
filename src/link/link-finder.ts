// Finds the link once: the route to the endpoint, what carries it, and its capacity.
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { errnoOf, Fault } from '../system/fault.ts';
import { believableSpeed, type SpeedFinding } from './believable-speed.ts';
import { capacityOf, type KnownCapacity } from './capacity.ts';
import { type Carriers, carriersOf, join } from './carriers.ts';
import { Kernel } from './kernel.ts';
import type { Hop, Machine } from './machine.ts';
import type { UplinkIdentity, UplinkOptions } from './uplink-identity.ts';
import type { Segment } from './wire-bytes.ts';
import { linkWithoutSysfs } from './without-sysfs.ts';

/** How many addresses of a name are looked at. S3 has dozens, behind one route. */
const ADDRESSES_MAX = 8;

/**
 * Searches once for each call. It sends nothing, except one empty datagram to the gateway if that
 * is behind a bridge. A name look-up may take half a minute and cannot be cancelled.
 */
export class LinkFinder {
  readonly #machine: Machine;
  readonly #addressesOf: (host: string) => Promise<readonly string[]>;

  constructor(machine: Machine = new Kernel(), resolve = addressesOf) {
    this.#machine = machine;
    this.#addressesOf = resolve;
  }

  /**
   * Rejects with a Fault: CAPACITY_UNKNOWN when only the config can help, any other code when time
   * may help. `present` is the link so far. It keeps its capacity, and stays while the endpoint's
   * name does not resolve.
   */
  async find(options: UplinkOptions, present?: UplinkIdentity): Promise<UplinkIdentity> {
    if (!this.#machine.tree.exists) return await linkWithoutSysfs(options);
    this.#machine.forget();
    if (options.interface !== 'auto')
      return this.#identify(await this.#named(options.interface), options, present);
    const addresses = await this.#addressesOf(options.endpoint.host);
    if (addresses.length === 0 && present !== undefined) return present;
    const found =
      addresses.length === 0 ? await this.#guess(options) : await this.#towards(addresses, options);
    return this.#identify({ ...found, isGuess: addresses.length === 0 }, options, present);
  }

  /** A text that changes when anything changes that may lead to another link than `present`. */
  networkState({ interface: wanted }: UplinkOptions, present?: UplinkIdentity): string {
    const carriers = present?.carriers.map(({ name }) => name) ?? [];
    const names = wanted === 'auto' ? carriers : [wanted, ...carriers];
    return this.#machine.networkState([...new Set(names)]);
  }

  async #towards(addresses: readonly string[], { endpoint }: UplinkOptions): Promise<Path> {
    const found: Carriers[] = [];
    const devices = new Set<string>();
    let isIpv6 = false;
    for (const address of addresses.slice(0, ADDRESSES_MAX)) {
      for (const hop of await this.#machine.routesTo(address)) {
        if (found.length === 0) isIpv6 = isIPv6(address);
        devices.add(hop.device);
        found.push(await carriersOf(hop, address, this.#machine));
      }
    }
    if (found.length === 0) throw noRouteFault(endpoint.host);
    const joined = join(found);
    const blindSpots =
      devices.size > 1 ? [severalText(joined.names), ...joined.blindSpots] : joined.blindSpots;
    return { ...joined, blindSpots, isIpv6 };
  }

  /** The way by which most traffic would leave. Used while the name does not resolve. */
  async #guess({ endpoint }: UplinkOptions): Promise<Path> {
    const isDefault = ({ prefixBits, device }: { prefixBits: string; device: string }) =>
      prefixBits === '' && device !== 'lo';
    const route = this.#machine.mainRoutes().find(isDefault);
    if (route === undefined) throw noRouteFault(endpoint.host);
    const hop: Hop = { device: route.device, gateway: route.gateway, isLocal: false };
    return { ...(await carriersOf(hop, '', this.#machine)), isIpv6: route.family === 6 };
  }

  /** The interface that the operator named, and no other, with what it does not see. */
  async #named(name: string): Promise<Path> {
    if (this.#machine.tree.facts(name) === undefined) throw noInterfaceFault(name);
    const route = this.#machine
      .mainRoutes()
      .find(({ device, gateway }) => device === name && gateway !== undefined);
    const below = await carriersOf({ device: name, isLocal: false }, route?.gateway ?? '', this.#machine);
    const blindSpots = below.names.includes(name) ? below.blindSpots : [instead(name, below.names)];
    return {
      ...below,
      names: [name],
      chain: [name],
      blindSpots: name === 'lo' ? [] : blindSpots,
      isIpv6: false,
    };
  }

  #identify(
    path: Path & { isGuess?: boolean },
    { capacity: wanted, counter }: UplinkOptions,
    present: KnownCapacity,
  ): UplinkIdentity {
    const { names, chain } = path;
    const blindSpots = counter === undefined ? path.blindSpots : [];
    const { tree } = this.#machine;
    const carriers = names.map((name) => ({ name, index: tree.facts(name)?.index ?? 0 }));
    const speedOf = (name: string): SpeedFinding => {
      const facts = tree.facts(name);
      return facts === undefined ? { kind: 'later', why: 'it is gone' } : believableSpeed(facts);
    };
    const all = chain.flatMap((name) => tree.facts(name) ?? []);
    const bond = all.find(({ deviceType }) => deviceType === 'bond')?.speedBitsPerSec;
    const { bitsPerSec, from, warning } = capacityOf(wanted, path, speedOf, present, bond);
    return {
      name: names.join('+'),
      via: names.includes(chain[0] ?? '') ? undefined : chain[0],
      carriers,
      counter,
      segment: segmentOf(all[0]?.mtuBytes ?? 1_500, path),
      capacityBitsPerSec: bitsPerSec,
      capacityFrom: from,
      warnings: warning === undefined ? blindSpots : [...blindSpots, warning],
      isGuess: path.isGuess ?? false,
    };
  }
}

interface Path extends Carriers {
  readonly isIpv6: boolean;
}

/** IP and TCP headers with timestamps, and the Ethernet header before them. */
function segmentOf(mtuBytes: number, { isIpv6, encapsulationBytes }: Path): Segment {
  const innerBytes = isIpv6 ? 72 : 52;
  return {
    payloadBytes: Math.max(1, mtuBytes - innerBytes),
    headerBytes: 14 + innerBytes + encapsulationBytes,
  };
}

/** Empty while the name does not resolve. */
async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

function noRouteFault(host: string): Fault {
  return new Fault('transient', `no route to ${host}`, {
    operation: 'find the link',
    subject: host,
    hint: 'Is the network up? Set link.interface to name the interface yourself.',
    code: 'NO_ROUTE',
  });
}

function noInterfaceFault(name: string): Fault {
  return new Fault('transient', `network interface ${name} does not exist`, {
    operation: 'find the link',
    subject: name,
    hint: 'Check link.interface; `ip link` lists the names.',
    code: 'NO_INTERFACE',
  });
}

function severalText(names: readonly string[]): string {
  const all = names.join(' and ');
  return `the endpoint is reached through more than one interface: the sum of ${all} is held to the target; set link.interface to measure one of them`;
}

function instead(name: string, names: readonly string[]): string {
  const all = names.join(' and ');
  const remedy = names.length === 1 ? `${all}, or to auto` : 'auto';
  return `${name} does not count all that leaves: ${all} carries it, with the traffic of guests and of other programs: set link.interface to ${remedy}`;
}

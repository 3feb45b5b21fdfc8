// Asks the kernel about routes, kinds of interfaces and neighbours.
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { systemClock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { InterfaceTree } from './interface-tree.ts';
import type { Hop, LinkKind, Machine } from './machine.ts';
import { parseRoutes, type Route, routesTo } from './route-tables.ts';

const NET = '/proc/self/net';
/** Folders of root's commands, which are not on every PATH. */
const FOLDERS = ['', '/usr/sbin/', '/sbin/'];
/** The discard port; RFC 863. */
const DISCARD_PORT = 9;
/** In a local network, an answer to ARP comes within milliseconds. */
const NEIGHBOUR_MS = 200;
const COMMAND_TIMEOUT_MS = 2_000;
/**
 * A router with the Internet's whole table shows only its first part here. Default routes come
 * first.
 */
const TABLE_BYTES_MAX = 65_536;
/**
 * Matches two columns of ipv6_route that change with use: the reference and use counts between
 * metric and flags.
 */
const USE_COUNTS = /([0-9a-f]{8}) [0-9a-f]{8} [0-9a-f]{8} ([0-9a-f]{8} +\S+)$/gm;

/**
 * Uses ip(8) and bridge(8) of iproute2, which need no privilege and know policy rules and VRFs.
 * Without them it reads /proc/self/net. It starts child processes, so it runs in the main thread,
 * never in the sending thread. A question without an answer resolves with nothing found.
 */
export class Kernel implements Machine {
  readonly tree = new InterfaceTree();
  readonly #called = new Set<string>();
  #kinds: ReadonlyMap<string, LinkKind> | undefined;

  /** Call before a search, because interfaces may have changed. */
  forget(): void {
    this.#kinds = undefined;
  }

  async routesTo(address: string): Promise<readonly Hop[]> {
    const answers = await json(['ip', '-j', 'route', 'get', 'fibmatch', address]);
    if (answers === undefined) return this.#routesInTables(address);
    const hops = hopsOf(answers);
    const bound = await this.#vrfOf(address, hops);
    return bound === undefined
      ? hops
      : hopsOf((await json(['ip', '-j', 'route', 'get', 'fibmatch', address, 'vrf', bound])) ?? []);
  }

  mainRoutes(): readonly Route[] {
    return parseRoutes(head(`${NET}/route`), head(`${NET}/ipv6_route`));
  }

  async kindOf(name: string): Promise<LinkKind | undefined> {
    this.#kinds ??= kindsOf((await json(['ip', '-d', '-j', 'link', 'show'])) ?? []);
    return this.#kinds.get(name);
  }

  async portTowards(bridge: string, address: string): Promise<string | undefined> {
    const mac = (await hardwareAddressOf(address)) ?? (await this.#call(address));
    if (mac === undefined) return undefined;
    const entries = (await json(['bridge', '-j', 'fdb', 'show', 'br', bridge])) ?? [];
    const port = entries.find((entry) => entry.mac === mac && entry.state !== 'permanent')?.ifname;
    return typeof port === 'string' ? port : undefined;
  }

  /** The devices that sessions of PPP over Ethernet use. */
  pppoeDevices(): readonly string[] {
    const lines = head(`${NET}/pppoe`).trim().split('\n').slice(1);
    return [...new Set(lines.map((line) => line.trim().split(/\s+/)[2] ?? ''))].filter((name) => name !== '');
  }

  /**
   * A text that changes when a route, an address or one of these interfaces changes. Compare it
   * with the last one. Takes about 100 µs.
   */
  networkState(interfaces: readonly string[]): string {
    const ipv6 = head(`${NET}/ipv6_route`).replaceAll(USE_COUNTS, '$1 $2');
    return [head(`${NET}/route`), ipv6, ...interfaces.map((name) => this.tree.stateOf(name))].join('\n');
  }

  /**
   * Sends an empty datagram to the discard port, so that the kernel has to find the neighbour. Once
   * for each address.
   */
  async #call(address: string): Promise<string | undefined> {
    if (isIP(address) === 0 || this.#called.has(address)) return undefined;
    this.#called.add(address);
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    // The datagram may be refused or lost. Only its effect on the neighbour table matters.
    await new Promise<void>((resolve) => socket.send('', DISCARD_PORT, address, () => resolve()));
    socket.close();
    await systemClock.sleep(NEIGHBOUR_MS);
    return await hardwareAddressOf(address);
  }

  #routesInTables(address: string): readonly Hop[] {
    const isOwn = Object.values(networkInterfaces()).some((all) =>
      all?.some((own) => own.address === address),
    );
    const found = routesTo(address, this.mainRoutes());
    const isLocal = isOwn || address.startsWith('127.') || found.some(({ device }) => device === 'lo');
    return isLocal
      ? [{ device: 'lo', isLocal }]
      : found.map(({ device, gateway }) => ({ device, gateway, isLocal }));
  }

  /**
   * A process may be bound to a VRF (`ip vrf exec`), which ip(8) does not see when it is asked. Our
   * sockets are bound as well, so their local address belongs to an interface of that VRF.
   */
  async #vrfOf(address: string, hops: readonly Hop[]): Promise<string | undefined> {
    const local = await localAddressTowards(address);
    if (local === undefined) return undefined;
    const holders = Object.entries(networkInterfaces()).filter(([, all]) =>
      all?.some((own) => own.address === local),
    );
    const [holder] = holders.map(([name]) => name);
    if (holder === undefined || hops.some(({ device }) => device === holder)) return undefined;
    const master = (await this.kindOf(holder))?.master;
    return master !== undefined && (await this.kindOf(master))?.kind === 'vrf' ? master : undefined;
  }
}

async function hardwareAddressOf(address: string): Promise<string | undefined> {
  const neighbours = (await json(['ip', '-j', 'neigh', 'show', address])) ?? [];
  return neighbours.map(({ lladdr }) => textOf(lladdr)).find((lladdr) => lladdr !== undefined);
}

/** The local address that the kernel chooses for a socket of this process. Sends nothing. */
async function localAddressTowards(address: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    socket.connect(DISCARD_PORT, address);
    await once(socket, 'connect');
    return socket.address().address;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  } finally {
    socket.close();
  }
}

type Answer = Readonly<Record<string, unknown>>;

/**
 * What the command printed; empty when the kernel refused; undefined without a usable command: it
 * is missing, too old for JSON, another program of that name, or refused by a sandbox.
 */
async function json([command = '', ...args]: readonly string[]): Promise<readonly Answer[] | undefined> {
  const options = {
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: 4_194_304,
    // The command gets none of our environment, which may hold credentials.
    env: {},
  };
  for (const folder of FOLDERS) {
    const answer = await new Promise<readonly Answer[] | undefined>((resolve) => {
      execFile(folder + command, args, options, (error, stdout, stderr) =>
        resolve(error === null ? parsed(stdout) : KERNEL_SAID_NO.test(stderr) ? [] : undefined),
      );
    });
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** From lib/libnetlink.c of iproute2: the kernel's error, or iproute2's own. */
const KERNEL_SAID_NO = /^(RTNETLINK answers|Error): /m;

function parsed(printed: string): readonly Answer[] | undefined {
  try {
    const answers: unknown = JSON.parse(printed);
    return Array.isArray(answers) ? answers : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return printed.trim() === '' ? [] : undefined;
    throw error;
  }
}

/** Reads the output of `ip -j route get fibmatch`. */
export function hopsOf(answers: readonly Answer[]): readonly Hop[] {
  return answers.flatMap((route): readonly Hop[] => {
    const { type = 'unicast', nexthops } = route;
    if (type === 'local') return [{ device: 'lo', isLocal: true }];
    if (type !== 'unicast') return [];
    const hops: readonly Answer[] = Array.isArray(nexthops) ? nexthops : [route];
    return hops.flatMap(({ dev, gateway, via }) => {
      if (typeof dev !== 'string') return [];
      const inner = typeof via === 'object' && via !== null && 'host' in via ? via.host : gateway;
      return [{ device: dev, gateway: typeof inner === 'string' ? inner : undefined, isLocal: false }];
    });
  });
}

/** Reads the output of `ip -d -j link show`. */
export function kindsOf(links: readonly Answer[]): ReadonlyMap<string, LinkKind> {
  return new Map(
    links.flatMap(({ ifname, linkinfo, link, link_netnsid: elsewhere, master }) => {
      if (typeof ifname !== 'string') return [];
      const info: Answer = isAnswer(linkinfo) ? linkinfo : {};
      const data: Answer = isAnswer(info.info_data) ? info.info_data : {};
      const remote = [data.remote, data.remote6].find(
        (value) => typeof value === 'string' && value !== 'any',
      );
      const below = data.link ?? link;
      const kind: LinkKind = {
        kind: textOf(info.info_kind),
        endsElsewhere: elsewhere !== undefined,
        below: elsewhere === undefined ? textOf(below) : undefined,
        remote: textOf(remote),
        master: textOf(master),
      };
      return [[ifname, kind] as const];
    }),
  );
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const table = Buffer.alloc(TABLE_BYTES_MAX);

/** The first part of a file below /proc; empty if there is none. */
function head(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    let filled = 0;
    for (let read = -1; read !== 0 && filled < table.length; filled += read)
      read = readSync(descriptor, table, filled, table.length - filled, null);
    return table.toString('latin1', 0, filled);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return '';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

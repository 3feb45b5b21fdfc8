// The kernel's main routing tables as /proc/self/net shows them; the longest prefix wins. It knows
// neither policy rules nor several next hops of one route. ip(8) does, and is asked first.
import { isIPv6 } from 'node:net';

export interface Route {
  readonly device: string;
  /** The prefix of the destination, as text of 0s and 1s. */
  readonly prefixBits: string;
  readonly family: 4 | 6;
  readonly gateway: string | undefined;
  readonly metric: number;
}

/** From linux/route.h and linux/ipv6_route.h. */
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;
const RTF_CACHE = 0x0100_0000;

/**
 * `ipv4` is the content of /proc/self/net/route, `ipv6` that of /proc/self/net/ipv6_route. A last
 * line that was cut is left out.
 */
export function parseRoutes(ipv4: string, ipv6: string): readonly Route[] {
  return [...ipv4.split('\n').flatMap(parseIpv4), ...ipv6.split('\n').flatMap(parseIpv6)];
}

function parseIpv4(line: string): Route[] {
  const [device = '', destination = '', gateway = '', flagsHex = '', , , metric, mask = ''] =
    line.split(/\s+/);
  const flags = Number.parseInt(flagsHex, 16);
  if (mask.length !== 8 || !(flags & RTF_UP) || flags & RTF_REJECT) return [];
  const length = ones(bitsOfBytes(bytesOf(mask).reverse()));
  return [
    {
      device,
      family: 4,
      prefixBits: bitsOfBytes(bytesOf(destination).reverse()).slice(0, length),
      gateway: flags & RTF_GATEWAY ? bytesOf(gateway).reverse().join('.') : undefined,
      metric: Number(metric),
    },
  ];
}

function parseIpv6(line: string): Route[] {
  const [destination = '', lengthHex = '', , , gateway = '', metricHex = '', , , flagsHex = '', device] = line
    .trim()
    .split(/\s+/);
  const flags = Number.parseInt(flagsHex, 16);
  if (device === undefined || !(flags & RTF_UP) || flags & (RTF_REJECT | RTF_CACHE)) return [];
  return [
    {
      device,
      family: 6,
      prefixBits: bitsOfBytes(bytesOf(destination)).slice(0, Number.parseInt(lengthHex, 16)),
      gateway: flags & RTF_GATEWAY ? (gateway.match(/.{4}/g)?.join(':') ?? gateway) : undefined,
      metric: Number.parseInt(metricHex, 16),
    },
  ];
}

/**
 * The routes to an address: the longest prefix, then the least metric. Several if these are equal.
 */
export function routesTo(address: string, routes: readonly Route[]): readonly Route[] {
  const family = isIPv6(address) ? 6 : 4;
  const bits = bitsOfAddress(address);
  const matching = routes.filter((route) => route.family === family && bits.startsWith(route.prefixBits));
  return best(matching);
}

/**
 * The routes by which a tunnel's own packets may leave: default routes that do not lead into it,
 * else routes through a gateway.
 */
export function routesBeside(device: string, routes: readonly Route[]): readonly Route[] {
  const others = routes.filter((route) => route.device !== device && route.device !== 'lo');
  const defaults = others.filter(({ prefixBits }) => prefixBits === '');
  for (const family of [4, 6]) {
    const found = best(defaults.filter((route) => route.family === family));
    if (found.length > 0) return found;
  }
  return others.filter(({ gateway }) => gateway !== undefined);
}

function best(routes: readonly Route[]): readonly Route[] {
  const longest = Math.max(...routes.map(({ prefixBits }) => prefixBits.length));
  const narrow = routes.filter(({ prefixBits }) => prefixBits.length === longest);
  const least = Math.min(...narrow.map(({ metric }) => metric));
  return narrow.filter(({ metric }) => metric === least);
}

function bitsOfAddress(address: string): string {
  if (!isIPv6(address)) return bitsOfBytes(address.split('.').map(Number));
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high = '0', low = '0') => ((Number(high) << 8) | Number(low)).toString(16);
  const plain =
    dotted === null
      ? address
      : address.slice(0, dotted.index).concat(`${hex(dotted[1], dotted[2])}:${hex(dotted[3], dotted[4])}`);
  const [head = '', tail] = plain.replace(/%.*$/, '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail ?? '')];
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}

function bitsOfBytes(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function ones(bits: string): number {
  return bits.lastIndexOf('1') + 1;
}

// Which Host headers a server answers to. A page in a browser may have its own name lead to this
// machine (DNS rebinding), but it cannot choose the Host header, which then has that name.
import { isIP } from 'node:net';

/**
 * True if `host`, the header, is a name of this machine's loopback interface, one of `names`, or
 * `localAddress`, at which the connection has arrived. The port does not matter, because a tunnel
 * may lead here from another one.
 */
export function isOwnHost(
  host: string | undefined,
  localAddress: string | undefined,
  names: readonly string[],
): boolean {
  const asked = nameOf(host ?? '');
  if (asked === '') return false;
  const own = canonical(localAddress ?? '');
  if (isIP(asked) !== 0 && asked === own) return true;
  // A name of the loopback interface means this machine only at that interface.
  if (isLoopback(asked) && isLoopback(own)) return true;
  return names.some((name) => canonical(name) === asked);
}

/** `host` without its port. */
function nameOf(host: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return canonical(bracketed ?? plain);
}

/** Comparable: in lower case, without the root's dot, IPv4 as IPv4, without a zone. */
function canonical(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/%.*$/, '');
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

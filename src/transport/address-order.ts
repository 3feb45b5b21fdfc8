// Decides in which order the addresses of a name are tried. Node.js gives each address except the
// last an equal slice of the connect time-out, one after another. So there are few, a slow line
// connects within a slice, and the address that worked before comes first.
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';

/** Each address gets an equal slice of `upload.connectTimeout`: 2.5 s of the default 10 s. */
const ADDRESSES_MAX = 4;

/** Options of `net.connect` and `tls.connect`. */
export interface DialOptions {
  readonly lookup: LookupFunction;
  readonly autoSelectFamily: true;
  readonly autoSelectFamilyAttemptTimeout: number;
  /** The certificates that are trusted [Node's own choice]. */
  readonly secureContext?: SecureContext;
}

/** How long one address may take before the next is tried, in milliseconds. */
export function attemptTimeoutMs(connectTimeoutMs: number): number {
  // Node accepts no less than 10 ms.
  return Math.max(10, Math.floor(connectTimeoutMs / ADDRESSES_MAX));
}

/**
 * Alternates between the address families. `last` comes first if it is still among the addresses;
 * else one of its family; else the resolver's first.
 */
export function inOrder(addresses: readonly LookupAddress[], last?: LookupAddress): LookupAddress[] {
  const first = last?.family ?? addresses[0]?.family;
  const isLast = ({ address }: LookupAddress) => address === last?.address;
  const others = addresses.filter((address) => !isLast(address));
  const own = [...addresses.filter(isLast), ...others.filter(({ family }) => family === first)];
  const other = others.filter(({ family }) => family !== first);
  const turns = own.flatMap((address, turn) => [address, ...other.slice(turn, turn + 1)]);
  return [...turns, ...other.slice(own.length)].slice(0, ADDRESSES_MAX);
}

/**
 * Remembers for each name which address accepted the last connection. Never forgets a name:
 * halfpipe contacts only a few.
 */
export class AddressOrder {
  readonly #last = new Map<string, LookupAddress>();
  /** How many questions about a name are unanswered. */
  readonly #asked = new Map<string, number>();

  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#count(hostname, 1);
    lookup(hostname, { ...options, all: true }, (error, found) => {
      this.#count(hostname, -1);
      if (error !== null) return callback(error, []);
      const addresses = inOrder(found, this.#last.get(hostname));
      if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };

  isLookingUp(hostname: string): boolean {
    return this.#asked.has(hostname);
  }

  connected(hostname: string, address: string | undefined): void {
    if (address !== undefined) this.#last.set(hostname, { address, family: address.includes(':') ? 6 : 4 });
  }

  #count(hostname: string, more: number): void {
    const asked = (this.#asked.get(hostname) ?? 0) + more;
    if (asked === 0) this.#asked.delete(hostname);
    else this.#asked.set(hostname, asked);
  }
}

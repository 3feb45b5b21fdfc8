// In which order the addresses of a name are tried. Node gives each but the last a slice of time to
// connect, one after the other: so they are few enough that a slow line connects within its slice,
// and first is the one that worked before.
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';

/** Each gets an equal slice of `upload.connectTimeout`: 2.5 s of the default 10 s. */
const MOST_ADDRESSES = 4;

/** Options of `net.connect` and `tls.connect`. */
export interface DialOptions {
  readonly lookup: LookupFunction;
  readonly autoSelectFamily: true;
  readonly autoSelectFamilyAttemptTimeout: number;
  /** Whose certificates are trusted; left out: Node's own choice. */
  readonly secureContext?: SecureContext;
}

/** What one address may take before the next is tried. */
export function attemptTimeoutMs(connectTimeoutMs: number): number {
  // Node takes no less than 10 ms.
  return Math.max(10, Math.floor(connectTimeoutMs / MOST_ADDRESSES));
}

/**
 * Families in turn. `last`, where it is still among them, is the first; else one of its family;
 * else the resolver's first.
 */
export function inOrder(addresses: readonly LookupAddress[], last?: LookupAddress): LookupAddress[] {
  const first = last?.family ?? addresses[0]?.family;
  const isLast = ({ address }: LookupAddress) => address === last?.address;
  const others = addresses.filter((address) => !isLast(address));
  const own = [...addresses.filter(isLast), ...others.filter(({ family }) => family === first)];
  const other = others.filter(({ family }) => family !== first);
  const turns = own.flatMap((address, turn) => [address, ...other.slice(turn, turn + 1)]);
  return [...turns, ...other.slice(own.length)].slice(0, MOST_ADDRESSES);
}

/** Remembers which address of each name took the last connection. */
export class AddressOrder {
  readonly #last = new Map<string, LookupAddress>();
  /** How many questions about a name are not answered yet. */
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

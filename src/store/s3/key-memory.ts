// Keys that were found taken, or were written by us: the next content of that name, `latest.jpg`
// for one, is looked for before it is sent. Bounded: the keys met longest ago are forgotten, and
// cost one body that is refused.
import { createHash } from 'node:crypto';

/** Some 100 bytes each. */
const KEYS_MAX = 20_000;

export class KeyMemory {
  readonly #keysMax: number;
  readonly #digests = new Set<string>();

  constructor(keysMax = KEYS_MAX) {
    this.#keysMax = keysMax;
  }

  has(key: string): boolean {
    return this.#digests.has(digestOf(key));
  }

  add(key: string): void {
    const digest = digestOf(key);
    this.#digests.delete(digest);
    this.#digests.add(digest);
    const [longestAgo] = this.#digests;
    if (this.#digests.size > this.#keysMax && longestAgo !== undefined) this.#digests.delete(longestAgo);
  }

  forget(key: string): void {
    this.#digests.delete(digestOf(key));
  }
}

/** A key has up to a kilobyte; 72 bits of it never meet by chance. */
function digestOf(key: string): string {
  return createHash('sha1').update(key).digest('base64').slice(0, 12);
}

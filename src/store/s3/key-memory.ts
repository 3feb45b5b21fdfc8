// Remembers keys that were found taken or were written by us, for example `latest.jpg`. Their next
// content is looked for before it is sent.
import { hash } from 'node:crypto';

/**
 * About 100 bytes each. Beyond this, the oldest key is forgotten; its next upload then sends one
 * body that is refused.
 */
const KEYS_MAX = 20_000;

/** A bounded set of keys. The key that was added longest ago is forgotten first. */
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
    if (this.#digests.size <= this.#keysMax) return;
    const [longestAgo] = this.#digests;
    if (longestAgo !== undefined) this.#digests.delete(longestAgo);
  }

  forget(key: string): void {
    this.#digests.delete(digestOf(key));
  }
}

/** A key has up to a kilobyte. 72 bits of its digest do not collide by chance. */
function digestOf(key: string): string {
  return hash('sha1', key, 'base64').slice(0, 12);
}

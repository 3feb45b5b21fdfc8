// How many uploads of each token are under way. One token leaves room for the others.
import { Refusal } from './refusal.ts';
import type { Grant } from './tokens.ts';

/** All tokens of one door. */
export class TokenShares {
  readonly #uploads = new Map<string, number>();

  /**
   * Counts an upload until the returned function is called, once. Throws a Refusal when the token
   * has half of all `places` and is not the only one.
   */
  take({ name, isOnly }: Pick<Grant, 'name' | 'isOnly'>, places: number): () => void {
    const uploads = this.#uploads.get(name) ?? 0;
    if (!isOnly && uploads >= Math.ceil(places / 2))
      throw new Refusal(
        'busy',
        `${uploads} uploads of this token are under way, which is the limit for one: try again in a second`,
      );
    this.#uploads.set(name, uploads + 1);
    return () => this.#release(name);
  }

  #release(name: string): void {
    const uploads = (this.#uploads.get(name) ?? 0) - 1;
    if (uploads > 0) this.#uploads.set(name, uploads);
    else this.#uploads.delete(name);
  }
}

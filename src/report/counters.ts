// What has been done since the start, in numbers that only grow.
import type { Totals } from '../view/snapshot.ts';

export class Counters {
  #totals: Totals = {
    uploadedFiles: 0,
    uploadedBytes: 0,
    alreadyThereFiles: 0,
    verifiedFiles: 0,
    deletedFiles: 0,
    multipartFiles: 0,
    retries: 0,
    quarantinedFiles: 0,
  };

  get totals(): Totals {
    return this.#totals;
  }

  add(name: keyof Totals, amount = 1): void {
    this.#totals = { ...this.#totals, [name]: this.#totals[name] + amount };
  }
}

// What the drain remembers of files that failed: how often, what people were told of it, and which of them have waited
// since they were last looked at.
// Bounded by the backlog's deferrals: whoever is uploaded, gone or in quarantine is forgotten.
import type { SpoolPath } from '../spool/entry.ts';

export class FailedFiles {
  readonly #attempts = new Map<string, number>();
  readonly #waited = new Set<string>();
  readonly #told = new Map<string, string>();

  /** One more failed attempt. How many there are with it. */
  fail({ id }: SpoolPath): number {
    const attempts = (this.#attempts.get(id) ?? 0) + 1;
    this.#attempts.set(id, attempts);
    return attempts;
  }

  /** The entry will come back as it is now, whatever becomes of the file meanwhile. */
  defer({ id }: SpoolPath): void {
    this.#waited.add(id);
  }

  /** Whether its entry may be as old as a wait; the next one comes from a scan. */
  endWait({ id }: SpoolPath): boolean {
    return this.#waited.delete(id);
  }

  /** Whether this reason is another one than the last time. */
  isNews({ id }: SpoolPath, reason: string): boolean {
    const isNews = this.#told.get(id) !== reason;
    this.#told.set(id, reason);
    return isNews;
  }

  forget({ id }: SpoolPath): void {
    this.#told.delete(id);
    this.#attempts.delete(id);
    this.#waited.delete(id);
  }
}

// What the drain remembers of files that failed: how often, and which of them have waited since they were last looked at.
// Bounded by the backlog's deferrals: whoever is uploaded, gone or in quarantine is forgotten.
import type { SpoolPath } from '../spool/entry.ts';

export class FailedFiles {
  readonly #attempts = new Map<string, number>();
  readonly #waited = new Set<string>();

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

  forget({ id }: SpoolPath): void {
    this.#attempts.delete(id);
    this.#waited.delete(id);
  }
}

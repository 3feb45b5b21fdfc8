// What the private folder keeps: files set aside, files in quarantine, and journals.
import type { Clock } from '../system/clock.ts';
import { Aside, type OnAsideStep } from './aside.ts';
import type { SpoolPath } from './entry.ts';
import { JournalIndex } from './journal.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { Quarantine, type Quarantined } from './quarantine.ts';

export interface KeepingOptions {
  readonly onAsideStep?: OnAsideStep | undefined;
  /**
   * Whether the last of a name to be uploaded replaces the others: then none may return after a
   * newer one has come.
   */
  readonly newestStays?: (() => boolean) | undefined;
  /** What cannot return for that reason is in quarantine. */
  readonly onSuperseded?: ((quarantined: Quarantined) => void) | undefined;
}

export interface Keeping {
  readonly aside: Aside;
  readonly quarantine: Quarantine;
  readonly journals: JournalIndex;
}

export function keepingIn(
  { root, home }: PinnedDirectories,
  { newestStays, onSuperseded, onAsideStep: onStep }: KeepingOptions,
  clock: Pick<Clock, 'wallMs'>,
): Keeping {
  const quarantine = new Quarantine(root, home);
  const supersede = async (slot: Buffer, path: SpoolPath) => {
    if (!newestStays?.()) return false;
    const quarantined = await quarantine.admitSuperseded(slot, path, clock.wallMs());
    onSuperseded?.(quarantined);
    return true;
  };
  return {
    aside: new Aside(root, home, { onStep, supersede }),
    quarantine,
    journals: new JournalIndex(home),
  };
}

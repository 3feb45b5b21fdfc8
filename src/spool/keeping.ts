// Builds what works in the private folder: files set aside, the quarantine, and journals.
import type { Clock } from '../system/clock.ts';
import { Aside, type OnAsideStep } from './aside.ts';
import type { SpoolPath } from './entry.ts';
import { JournalIndex } from './journal.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { Quarantine, type Quarantined } from './quarantine.ts';

export interface KeepingOptions {
  readonly onAsideStep?: OnAsideStep | undefined;
  /**
   * Returns true if the last upload of a name replaces the earlier ones. A file must then not
   * return after a newer file has its name.
   */
  readonly newestStays?: (() => boolean) | undefined;
  /** A file that may not return for that reason has been moved to the quarantine. */
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

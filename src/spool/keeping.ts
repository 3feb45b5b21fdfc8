// Builds what works in the private folder: files set aside, the quarantine, and journals.
import type { Clock } from '../system/clock.ts';
import { Aside, type AsideStep } from './aside.ts';
import type { SpoolPath } from './entry.ts';
import { JournalIndex } from './journal.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { Quarantine } from './quarantine.ts';
import type { SpoolEvent } from './spool-event.ts';

export interface KeepingOptions {
  /**
   * Returns true if the last upload of a name replaces the earlier ones. A file must then not
   * return after a newer file has its name.
   */
  readonly newestStays?: (() => boolean) | undefined;
  readonly onEvent?: ((event: SpoolEvent) => void) | undefined;
}

export interface Keeping {
  readonly aside: Aside;
  readonly quarantine: Quarantine;
  readonly journals: JournalIndex;
}

/** Builds the ports on the open folders. Reads and writes nothing yet. */
export function keepingIn(
  held: PinnedDirectories,
  { newestStays, onEvent }: KeepingOptions,
  clock: Pick<Clock, 'wallMs'>,
): Keeping {
  const { root, privateFolder } = held;
  const quarantine = new Quarantine(root, privateFolder);
  const supersede = async (slot: Buffer, path: SpoolPath) => {
    if (!newestStays?.()) return false;
    const quarantined = await quarantine.admitSuperseded(slot, path, clock.wallMs());
    onEvent?.({ kind: 'superseded', quarantined });
    return true;
  };
  const onStep = (path: SpoolPath, step: AsideStep) => onEvent?.({ kind: 'asideStep', path, step });
  return {
    aside: new Aside(held, { onStep, supersede }),
    quarantine,
    journals: new JournalIndex(privateFolder),
  };
}

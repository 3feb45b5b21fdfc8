// Whether a file is still the one that was uploaded: a change of its times or links alone is looked
// into, and is no change of its content.
import { type FileIdentity, type KnownContent, sameContentIdentity, sameIdentity } from './entry.ts';
import { changedFault, touchedFault } from './spool-fault.ts';

/**
 * Links that go and permissions that change while the content is read again: so often, then it
 * waits.
 */
const LOOKS_MAX = 4;

/** Raises Fault `changed` unless what `look` finds is the file with the known content. */
export async function requireUnchanged(
  look: () => Promise<FileIdentity>,
  known: KnownContent,
  operation: string,
  subject: string,
): Promise<void> {
  let trusted = known.identity;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const now = await look();
    if (sameIdentity(now, trusted)) return;
    if (!sameContentIdentity(now, trusted) || !(await known.isUnchanged()))
      throw changedFault(operation, subject, 'changed since it was opened');
    trusted = now;
  }
  throw touchedFault(operation, subject);
}

// Finds out whether a file is still the one that was uploaded. If only its times or links changed,
// the content is compared.
import {
  type FileIdentity,
  type KnownContent,
  type SpoolPath,
  sameContentIdentity,
  sameIdentity,
} from './entry.ts';
import { changedFault, touchedFault } from './spool-fault.ts';

/**
 * How often links or permissions may change while the content is read again. After that, the file
 * waits for another attempt.
 */
const LOOKS_MAX = 4;

/** Rejects with Fault `changed` unless `look` finds the file with the known content. */
export async function requireUnchanged(
  look: () => FileIdentity | Promise<FileIdentity>,
  known: KnownContent,
  operation: string,
  path: SpoolPath,
): Promise<void> {
  let trusted = known.identity;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const now = await look();
    if (sameIdentity(now, trusted)) return;
    if (!sameContentIdentity(now, trusted) || !(await known.isUnchanged()))
      throw changedFault(operation, `${path}`, 'changed since it was opened');
    trusted = now;
  }
  throw touchedFault(operation, `${path}`);
}

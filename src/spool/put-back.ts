// Moves a file from the private folder back to its place in the spool, never over another file.
import { closeSync, constants, lstatSync, openSync, renameSync } from 'node:fs';
import { link } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import { inParent, isClaimed, type OpenDirectory, unlinkClaim } from './open-directory.ts';

/** Written anew by each process that takes the instance lock. */
export const PID_NAME = 'pid';
/** While it is there, one thread removes a stale claim. A start removes it. */
const TURN_NAME = 'tmp/claim';

/** `taken`: something else has the name now, and the file stays in the private folder. */
export type PutBackOutcome = 'restored' | 'taken';

/**
 * Moves `slot` of `privateFolder` to `path` below `root`. The name in the spool is
 * durable before the name in the private folder goes. Rejects with the system error.
 */
export async function putBack(
  privateFolder: OpenDirectory,
  slot: Buffer,
  root: OpenDirectory,
  path: SpoolPath,
): Promise<PutBackOutcome> {
  return inParent(
    root,
    path,
    async (parent, name) => {
      try {
        await link(privateFolder.at(slot), parent.at(name));
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return resolveTaken(privateFolder, slot, parent, name);
        if (!cannotLink(error)) throw error;
        return renameToFree(privateFolder, slot, parent, name);
      }
      await parent.sync();
      await privateFolder.unlink(slot);
      return 'restored';
    },
    'create',
  );
}

async function renameToFree(
  privateFolder: OpenDirectory,
  slot: Buffer,
  parent: OpenDirectory,
  name: Buffer,
): Promise<PutBackOutcome> {
  const outcome = claimAndRename(privateFolder.at(slot), parent.at(name));
  if (outcome === 'taken') return resolveTaken(privateFolder, slot, parent, name);
  await parent.sync();
  return outcome;
}

/**
 * A crash between link and unlink leaves one file under both names. Then only the slot has to go.
 */
async function resolveTaken(
  privateFolder: OpenDirectory,
  slot: Buffer,
  parent: OpenDirectory,
  name: Buffer,
): Promise<PutBackOutcome> {
  const [kept, inPlace] = await Promise.all([privateFolder.lookUp(slot), parent.lookUp(name)]);
  if (kept === undefined || inPlace === undefined) return 'taken';
  if (isOurClaim(inPlace)) {
    const isFree = await removeStaleClaim(privateFolder, parent, name);
    return isFree ? renameToFree(privateFolder, slot, parent, name) : 'taken';
  }
  if (kept.dev !== inPlace.dev || kept.ino !== inPlace.ino) return 'taken';
  await parent.sync();
  await privateFolder.unlink(slot);
  return 'restored';
}

/**
 * A claim is our own empty file without any permission. A crash between claim and rename leaves it
 * in the spool.
 */
export function isOurClaim({ size, mode, uid }: { size: bigint; mode: bigint; uid: bigint }): boolean {
  const isRegular = Number(mode) >> 12 === constants.S_IFREG >> 12;
  return isRegular && size === 0n && (mode & 0o7777n) === 0n && uid === BigInt(process.geteuid?.() ?? 0);
}

/**
 * Removes the claim at `name` if an earlier process left it. Resolves with false if it may belong
 * to another thread of this process, which is about to move a file there, or which is here, too.
 * Removed and not renamed over: while the claim is there, neither thread can give a file its name.
 */
export async function removeStaleClaim(
  privateFolder: OpenDirectory,
  parent: OpenDirectory,
  name: Buffer,
): Promise<boolean> {
  const lock = await privateFolder.lookUp(PID_NAME);
  const turn = privateFolder.at(TURN_NAME);
  try {
    closeSync(openSync(turn, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    const claim = lstatSync(parent.at(name), { bigint: true, throwIfNoEntry: false });
    if (claim === undefined) return true;
    // Both times are of the clock of the same file system.
    if (!isOurClaim(claim) || (lock !== undefined && claim.ctimeNs >= lock.ctimeNs)) return false;
    parent.unlinkNow(name);
    return true;
  } finally {
    privateFolder.unlinkNow(TURN_NAME);
  }
}

/**
 * Linux refuses to link files of other users (fs.protected_hardlinks), and some file systems have
 * no links.
 */
export function cannotLink(error: unknown): boolean {
  const code = errnoOf(error);
  return (
    code === 'EPERM' || code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EMLINK'
  );
}

/**
 * Claims the name with an empty file that no other user may open, then renames over that file.
 * Synchronous: only microseconds lie between the last look and the rename. Only a file that gets
 * the name within that gap could be lost.
 */
export function claimAndRename(slot: Buffer, place: Buffer): PutBackOutcome {
  let claim: number;
  try {
    claim = openSync(place, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o000);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'taken';
    throw error;
  }
  try {
    if (!isClaimed(place, claim)) return 'taken';
    renameSync(slot, place);
    return 'restored';
  } catch (error) {
    // Root could read the claim and would upload it as an empty file.
    unlinkClaim(place, claim);
    throw error;
  } finally {
    closeSync(claim);
  }
}

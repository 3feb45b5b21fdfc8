// Brings a file from the private folder back to its place in the spool, never over another file.
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import { link, rename } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import { inParent, isClaimed, type OpenDirectory, unlinkClaim } from './open-directory.ts';

/** `taken`: something else has the name by now, and the file stays where it was. */
export type PutBackOutcome = 'restored' | 'taken';

/**
 * Moves `slot` of the private folder `home` to `path` below `root`. Its name there is durable when
 * resolved, and before the other one goes. Rejects with the system error.
 */
export async function putBack(
  home: OpenDirectory,
  slot: Buffer,
  root: OpenDirectory,
  path: SpoolPath,
): Promise<PutBackOutcome> {
  return inParent(
    root,
    path,
    async (parent, name) => {
      try {
        await link(home.at(slot), parent.at(name));
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return resolveTaken(home, slot, parent, name);
        if (!cannotLink(error)) throw error;
        const outcome = claimAndRename(home.at(slot), parent.at(name));
        if (outcome === 'taken') return resolveTaken(home, slot, parent, name);
        await parent.sync();
        return outcome;
      }
      await parent.sync();
      await home.unlink(slot);
      return 'restored';
    },
    'create',
  );
}

/**
 * A crash between link and unlink leaves one file under both names: then only the slot is
 * superfluous.
 */
async function resolveTaken(
  home: OpenDirectory,
  slot: Buffer,
  parent: OpenDirectory,
  name: Buffer,
): Promise<PutBackOutcome> {
  const [kept, inPlace] = await Promise.all([home.lookUp(slot), parent.lookUp(name)]);
  if (kept === undefined || inPlace === undefined) return 'taken';
  if (isOurClaim(inPlace)) return renameOverClaim(home, slot, parent, name);
  if (kept.dev !== inPlace.dev || kept.ino !== inPlace.ino) return 'taken';
  await parent.sync();
  await home.unlink(slot);
  return 'restored';
}

/**
 * An empty file of our own without any permission: a crash between claim and rename leaves it under
 * the name.
 */
function isOurClaim({ size, mode, uid }: { size: bigint; mode: bigint; uid: bigint }): boolean {
  const isRegular = Number(mode) >> 12 === constants.S_IFREG >> 12;
  return isRegular && size === 0n && (mode & 0o7777n) === 0n && uid === BigInt(process.geteuid?.() ?? 0);
}

/**
 * Another process of ours that has just made the claim finds it gone, looks again, and leaves its
 * file where it was.
 */
async function renameOverClaim(
  home: OpenDirectory,
  slot: Buffer,
  parent: OpenDirectory,
  name: Buffer,
): Promise<PutBackOutcome> {
  await rename(home.at(slot), parent.at(name));
  await parent.sync();
  return 'restored';
}

/**
 * Linux refuses to link files of other users (fs.protected_hardlinks), and some file systems have
 * no links.
 */
function cannotLink(error: unknown): boolean {
  const code = errnoOf(error);
  return (
    code === 'EPERM' || code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EMLINK'
  );
}

/**
 * Claims the name with an empty file that no other user may open, then renames over that file.
 * Synchronous: between the last look and the rename lie microseconds, and only a rename onto the
 * name in just that gap could be lost.
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
    // Root could read the claim, and would upload it as an empty file.
    unlinkClaim(place, claim);
    throw error;
  } finally {
    closeSync(claim);
  }
}

// Gives a received file its name in the spool: never over another file, unless it is asked to.
import { linkSync, renameSync } from 'node:fs';
import { errnoOf, Fault } from '../system/fault.ts';
import type { ContentSync } from './content-sync.ts';
import { type DepositContent, sha256Of } from './deposit-content.ts';
import type { SpoolPath } from './entry.ts';
import { POOLED } from './file-calls.ts';
import type { FolderSyncs } from './folder-syncs.ts';
import { refuseGone } from './in-place.ts';
import { type EnterFolder, inParent, type OpenDirectory } from './open-directory.ts';
import { NO_VIEW } from './open-writers.ts';
import { PRIVATE_FOLDER } from './private-folder.ts';
import { cannotLink, claimAndRename, isOurClaim, removeStaleClaim } from './put-back.ts';
import { notAFolderFault, withoutContentFault } from './spool-fault.ts';
import { SpoolFile } from './spool-file.ts';

/** The drain, or another producer, may take away what was just found. */
const ATTEMPTS_MAX = 10;

/**
 * `created`: the file has its name. `replaced`: it has its name, and another file had it before.
 * `same`: a file with the same bytes has the name. `taken`: something else has the name.
 */
export type DepositOutcome = 'created' | 'same' | 'taken' | 'replaced';

/** What is done if another file has the name. A folder or a link is never replaced. */
export type DepositMode = 'new' | 'replace';

/** A whole file, brought to the disk, in the private folder. */
export interface DepositSource {
  readonly privateFolder: OpenDirectory;
  readonly name: string;
  readonly content: DepositContent;
}

export interface DepositTarget {
  readonly root: OpenDirectory;
  readonly spoolPath: string;
  readonly path: SpoolPath;
  readonly mode: DepositMode;
  readonly folderSyncs: FolderSyncs;
  readonly contentSync: ContentSync;
}

interface Name {
  readonly parent: OpenDirectory;
  readonly name: Buffer;
}

/**
 * See Deposit.publish(). The source has lost its private name unless the outcome is `same` or
 * `taken`. Rejects with a Fault or the system error.
 */
export async function place(source: DepositSource, target: DepositTarget): Promise<DepositOutcome> {
  const { root, spoolPath, path, folderSyncs } = target;
  const [first] = path.id.split('/', 1);
  if (first === PRIVATE_FOLDER) throw notAFolderFault(`${path}`, PRIVATE_FOLDER);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      const use = (parent: OpenDirectory, name: Buffer) => placeIn({ parent, name }, source, target);
      const outcome = await inParent(root, path, use, entering(folderSyncs, path));
      if (outcome !== 'again') return outcome;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // A folder on the way was removed: by its producer, or by the drain because it was empty.
      await refuseGone(spoolPath, root);
      if ((await source.privateFolder.lookUp(source.name)) === undefined)
        throw withoutContentFault(`${path}`);
    }
  }
  const message = `cannot deposit ${path}: what has its name, or its folder, changes again and again`;
  throw new Fault('transient', message, { operation: 'deposit', subject: `${path}`, isLocal: true });
}

/**
 * Each folder on the way is made if it is missing. Its name is durable before the file is in it.
 */
function entering(folderSyncs: FolderSyncs, path: SpoolPath): EnterFolder {
  return async (parent, name) => {
    const folder = await openOrMake(parent, name).catch((error: unknown) => {
      const code = errnoOf(error);
      throw code === 'ENOTDIR' || code === 'ELOOP' ? notAFolderFault(`${path}`, `${name}`, error) : error;
    });
    await folder.unlessClosed(() => folderSyncs.keepName(parent, folder));
    return folder;
  };
}

async function openOrMake(parent: OpenDirectory, name: Buffer): Promise<OpenDirectory> {
  try {
    return await parent.openDirectory(name);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return (await parent.makeFolder(name)).folder;
  }
}

/** Resolves with `again` if what had the name has gone or has changed meanwhile. */
async function placeIn(
  { parent, name }: Name,
  source: DepositSource,
  { path, mode, folderSyncs, contentSync }: DepositTarget,
): Promise<DepositOutcome | 'again'> {
  if (takeFreeName(source, { parent, name })) {
    await folderSyncs.sync(parent);
    return 'created';
  }
  const present = await parent.lookUp(name);
  if (present === undefined) return 'again';
  if (isOurClaim(present)) {
    await removeStaleClaim(source.privateFolder, parent, name);
    return 'again';
  }
  if (!present.isFile()) return 'taken';
  const comparison = await compare({ parent, name }, source.content, path, contentSync);
  if (comparison === 'same') await folderSyncs.sync(parent);
  if (comparison !== 'different') return comparison;
  if (mode === 'new') return 'taken';
  renameSync(source.privateFolder.at(source.name), parent.at(name));
  await folderSyncs.sync(parent);
  return 'replaced';
}

/**
 * Blocks, so that the file has both names for microseconds only: each change of its links looks
 * like a change to a drain that has found it by then. Returns false if something has the name.
 */
function takeFreeName({ privateFolder, name: privateName }: DepositSource, { parent, name }: Name): boolean {
  const [from, to] = [privateFolder.at(privateName), parent.at(name)];
  try {
    linkSync(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (!cannotLink(error)) throw error;
    return claimAndRename(from, to) === 'restored';
  }
  privateFolder.unlinkNow(privateName);
  return true;
}

/**
 * Compares the file at `name` with `content`. When it resolves with `same`, that file's content is
 * on the disk.
 */
async function compare(
  { parent, name }: Name,
  content: DepositContent,
  path: SpoolPath,
  contentSync: ContentSync,
): Promise<'same' | 'different' | 'again'> {
  try {
    const file = await SpoolFile.open(parent.at(name), path, {
      calls: POOLED,
      contentSync,
      writers: NO_VIEW,
    });
    try {
      if (file.sizeBytes !== content.sizeBytes) return 'different';
      if (!(await sha256Of(file)).sha256.equals(content.sha256)) return 'different';
      await file.sync(new AbortController().signal);
      return 'same';
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'changed') return 'again';
    // A file that may not be read is another user's.
    if (code === 'EACCES') return 'different';
    throw error;
  }
}

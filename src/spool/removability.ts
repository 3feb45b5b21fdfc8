// Finds out whether files can be removed from a folder, before any file of that folder is uploaded.
import { constants, fstatSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Clock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import type { FileCalls } from './file-calls.ts';
import type { OpenDirectory } from './open-directory.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { PROBE_PREFIX } from './private-folder.ts';

/**
 * At most one probe stays in a folder: until the next scan after a crash, or where nothing can be
 * removed.
 */
const PROBE = `${PROBE_PREFIX}removal`;
const PROBE_FLAGS = constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/**
 * A folder that passed is tried again after `FINE_MS`. A folder that failed is tried again soon,
 * because the operator may have mended it.
 */
const FINE_MS = 5 * 60_000;
const BLOCKED_MS = 5_000;
/** About 200 bytes each. Beyond this, the folder tried longest ago is forgotten and tried again. */
const FOLDERS_MAX = 1_000;
const STICKY = 0o1000n;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'give the service user read, write and execute permission on the folder: chmod g+rwx',
  EPERM:
    'the folder is immutable or append-only, or it is sticky and belongs to another user: chattr -i -a, or let the service user own it',
  EXDEV:
    'another file system, a bind mount or a separate quota starts there: the spool must lie on one file system',
  EROFS: 'the file system is mounted read-only: remount it read-write',
};

interface Trial {
  /** Resolves with the errno, or with undefined if removal seems possible. */
  readonly outcome: Promise<string | undefined>;
  isOver: boolean;
  code: string | undefined;
  untilMs: number;
}

/**
 * Tries to remove a file of our own from each folder and remembers the result for a while
 * (monotonic clock). Mode bits alone do not tell: an attribute, a quota, a mount or a security
 * module may also forbid it.
 * It does not promise that a later removal succeeds.
 */
export class Removability {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #byFolder = new Map<string, Trial>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Rejects with Fault `blocked` if the file `name` in `folder` could not be removed. `path` is
   * used for messages.
   */
  async require(
    { privateFolder, calls }: Pick<PinnedDirectories, 'privateFolder' | 'calls'>,
    folder: OpenDirectory,
    name: Buffer,
    path: SpoolPath,
  ): Promise<void> {
    const trial = this.#ofFolder(privateFolder, folder);
    const code = trial.isOver ? trial.code : await trial.outcome;
    if (code !== undefined)
      throw blockedFault(`files cannot be removed from the folder of ${path}`, `${path}`, code);
    if (isOfAnotherUserInSticky(folder, name))
      throw blockedFault(
        `${path} cannot be removed: its folder is sticky, and both belong to other users`,
        `${path}`,
        'EPERM',
      );
    if (await isImmutable(calls, folder.at(name)))
      throw blockedFault(
        `${path} cannot be removed: it is immutable`,
        `${path}`,
        'EPERM',
        'chattr -i on the file',
      );
  }

  /** Removes the probe that a crash left in the folder. A running trial removes its own. */
  async clear(privateFolder: OpenDirectory, folder: OpenDirectory): Promise<void> {
    const known = this.#byFolder.get(idOf(folder));
    if (known?.untilMs !== Number.POSITIVE_INFINITY) await tryRemoval(privateFolder, folder);
  }

  #ofFolder(privateFolder: OpenDirectory, folder: OpenDirectory): Trial {
    const id = idOf(folder);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#byFolder.get(id);
    if (known !== undefined && nowMs < known.untilMs) return known;
    const outcome = tryRemoval(privateFolder, folder);
    const untilMs = Number.POSITIVE_INFINITY;
    const trial: Trial = { outcome, isOver: false, code: undefined, untilMs };
    void outcome.then((code) => {
      trial.isOver = true;
      trial.code = code;
      trial.untilMs = this.#clock.monotonicMs() + (code === undefined ? FINE_MS : BLOCKED_MS);
    });
    this.#byFolder.delete(id);
    this.#byFolder.set(id, trial);
    const [oldest] = this.#byFolder.keys();
    if (this.#byFolder.size > FOLDERS_MAX && oldest !== undefined) this.#byFolder.delete(oldest);
    return trial;
  }
}

function idOf({ dev, ino }: OpenDirectory): string {
  return `${dev} ${ino}`;
}

/**
 * Makes a file in the folder, moves it to the private folder and removes it there, as drain/dispose
 * does. Never rejects.
 */
async function tryRemoval(privateFolder: OpenDirectory, folder: OpenDirectory): Promise<string | undefined> {
  try {
    const probe = await open(folder.at(PROBE), PROBE_FLAGS, 0o600);
    try {
      const { size, uid } = await probe.stat({ bigint: true });
      // Something else has the probe's name. Nothing can be found out, and nothing is touched.
      if (size !== 0n || uid !== BigInt(process.geteuid?.() ?? 0)) return undefined;
    } finally {
      await probe.close();
    }
    const moved = `tmp/${PROBE}-${folder.dev}-${folder.ino}`;
    await rename(folder.at(PROBE), privateFolder.at(moved));
    await privateFolder.unlink(moved);
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    // A full disk or a missing folder says nothing about the permission to remove.
    return code !== undefined && code in HINTS ? code : undefined;
  }
}

/** The probe's own file could be removed from such a folder, but the producers' files cannot. */
function isOfAnotherUserInSticky(folder: OpenDirectory, name: Buffer): boolean {
  const ownUid = process.geteuid?.() ?? 0;
  if (ownUid === 0) return false;
  const { mode, uid } = fstatSync(folder.fd, { bigint: true });
  if ((mode & STICKY) === 0n || uid === BigInt(ownUid)) return false;
  const file = folder.lookUpNow(name);
  return file !== undefined && file.uid !== BigInt(ownUid);
}

/**
 * access(2) reports the immutable attribute with EPERM. It reports missing write permission, which
 * a removal does not need, with EACCES.
 */
async function isImmutable(calls: FileCalls, file: Buffer): Promise<boolean> {
  try {
    await calls.access(file, constants.W_OK);
    return false;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

function blockedFault(what: string, subject: string, code: string, hint = HINTS[code] ?? ''): Fault {
  return new Fault('blocked', `${what}: ${code} (${hint}); the upload waits until the file can be removed`, {
    ...{ operation: 'open', subject, code, hint },
  });
}

// Files that need a human: `quarantine/<id>/<name>`, each with its reason in
// `quarantine/<id>.json`.
import { randomBytes } from 'node:crypto';
import { opendir, readFile, rename } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import { SpoolPath } from './entry.ts';
import { inParent, type OpenDirectory } from './open-directory.ts';
import { inSubfolders } from './private-folder.ts';
import { type PutBackOutcome, putBack } from './put-back.ts';
import { spoolFault } from './spool-fault.ts';
import { writeDurably } from './write-durably.ts';

export interface QuarantineReason {
  /** One line for the operator. */
  readonly reason: string;
  /** An errno or the name of an S3 error. */
  readonly code?: string;
  readonly hint?: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface Quarantined extends QuarantineReason {
  readonly id: string;
  /** The file's path in the spool before it was moved. */
  readonly path: SpoolPath;
}

const FOLDER = 'quarantine';

const SUPERSEDED = {
  reason: 'a newer file has the same name, and uploading this older one now would replace the newer object',
  hint: 'drop it if you want only the newest file of a name; if you retry it, its object replaces the newer one',
};

/**
 * Holds files that need a human, each in a folder of its own with the reason beside it. The reason
 * is written first, so no file is ever there without one.
 * Methods reject with a Fault or, where noted, the system error. They cannot be cancelled.
 */
export class Quarantine {
  readonly #root: OpenDirectory;
  readonly #privateFolder: OpenDirectory;

  constructor(root: OpenDirectory, privateFolder: OpenDirectory) {
    this.#root = root;
    this.#privateFolder = privateFolder;
  }

  /**
   * Moves the file at `path` out of the drain's way, durably, also if the file has changed since.
   * Deletes nothing. Rejects with a Fault.
   */
  admit(path: SpoolPath, reason: QuarantineReason): Promise<Quarantined> {
    return this.#admit(path, reason, (place) =>
      inParent(this.#root, path, async (parent, name) => {
        await rename(parent.at(name), this.#privateFolder.at(place));
        await this.#privateFolder.syncDirectory(dirnameOf(place));
        await parent.sync();
      }),
    );
  }

  /**
   * Moves a file from `slot` of the private folder to the quarantine, because a newer file has its
   * name.
   */
  admitSuperseded(slot: Buffer, path: SpoolPath, wallMs: number): Promise<Quarantined> {
    const reason = { ...SUPERSEDED, at: new Date(wallMs).toISOString() };
    return this.#admit(path, reason, async (place) => {
      await rename(this.#privateFolder.at(slot), this.#privateFolder.at(place));
      await this.#privateFolder.syncDirectory(dirnameOf(place));
      await this.#privateFolder.syncDirectory(dirnameOf(slot));
    });
  }

  async #admit(
    path: SpoolPath,
    reason: QuarantineReason,
    moveTo: (place: Buffer) => Promise<void>,
  ): Promise<Quarantined> {
    const id = `${reason.at.replace(/[^0-9TZ]/g, '')}-${randomBytes(4).toString('hex')}`;
    const record = { ...reason, path: path.toString(), pathBase64: path.bytes.toString('base64') };
    try {
      await inSubfolders(this.#privateFolder, () =>
        this.#privateFolder.makeDirectory(`${FOLDER}/${id}`, 0o700),
      );
      await writeDurably(this.#privateFolder, `${FOLDER}/${id}.json`, `${JSON.stringify(record, null, 2)}\n`);
      await moveTo(this.#place(id, path));
    } catch (error) {
      await this.#discard(id);
      throw spoolFault(error, 'quarantine', path.toString());
    }
    return { ...reason, id, path };
  }

  /**
   * Counts on the disk each time, because operators and the command `quarantine` take files out.
   * Reads no reasons. Rejects with the system error.
   */
  async count(): Promise<number> {
    let count = 0;
    const options = { bufferSize: 1_024 };
    const folder = () => opendir(this.#privateFolder.at(FOLDER).toString(), options);
    for await (const dirent of await inSubfolders(this.#privateFolder, folder))
      if (dirent.isDirectory()) count += 1;
    return count;
  }

  /** Yields files in no particular order. Skips folders without a readable reason beside them. */
  async *list(): AsyncGenerator<Quarantined> {
    for await (const dirent of await opendir(this.#privateFolder.at(FOLDER).toString())) {
      if (!dirent.isDirectory()) continue;
      const quarantined = await this.#read(dirent.name);
      if (quarantined !== undefined) yield quarantined;
    }
  }

  /**
   * Puts the file back under its name and deletes the reason. Resolves with `taken`, and does
   * nothing, if the name is not free. Rejects with the system error.
   */
  async release({ id, path }: Quarantined): Promise<PutBackOutcome> {
    const outcome = await putBack(this.#privateFolder, this.#place(id, path), this.#root, path);
    if (outcome === 'restored') await this.#discard(id);
    return outcome;
  }

  /**
   * Deletes the file for good. Call it only when a human has asked for it. Rejects with the system
   * error.
   */
  async drop({ id, path }: Quarantined): Promise<void> {
    await this.#privateFolder.unlink(this.#place(id, path));
    await this.#discard(id);
  }

  /** The size of the file, or undefined if the file has been taken out. */
  async sizeBytes({ id, path }: Quarantined): Promise<number | undefined> {
    const stats = await this.#privateFolder.lookUp(this.#place(id, path));
    return stats === undefined ? undefined : Number(stats.size);
  }

  #place(id: string, { bytes }: SpoolPath): Buffer {
    return Buffer.concat([Buffer.from(`${FOLDER}/${id}/`), bytes.subarray(bytes.lastIndexOf('/') + 1)]);
  }

  async #read(id: string): Promise<Quarantined | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#privateFolder.at(`${FOLDER}/${id}.json`), 'utf8'));
      const path = new SpoolPath(Buffer.from(record.pathBase64, 'base64'));
      const { reason, code, hint, at } = record;
      return {
        id,
        path,
        reason,
        at,
        ...(code === undefined ? {} : { code }),
        ...(hint === undefined ? {} : { hint }),
      };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof TypeError)
        return undefined;
      throw spoolFault(error, 'read quarantine', id);
    }
  }

  /**
   * Removes an empty folder and its reason. A folder that still holds a file stays, and so does its
   * reason.
   */
  async #discard(id: string): Promise<void> {
    if (!(await this.#privateFolder.removeIfEmpty(`${FOLDER}/${id}`))) return;
    const reason = `${FOLDER}/${id}.json`;
    if ((await this.#privateFolder.lookUp(reason)) !== undefined) await this.#privateFolder.unlink(reason);
  }
}

function dirnameOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf('/'));
}

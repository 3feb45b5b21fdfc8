// The manifest while it is open: its folder, its lock and the file that is written now.
import { lstatSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { OpenDirectory } from '../spool/open-directory.ts';
import { errnoOf } from '../system/fault.ts';
import { deleteOld, endFile, type KeepLimits } from './ended-files.ts';
import { insideSpoolFault } from './manifest-fault.ts';
import { ManifestFile } from './manifest-file.ts';
import type { ManifestLock, ManifestPlace } from './manifest-lock.ts';
import { nameOfManifest } from './manifest-names.ts';

export interface ManifestOptions extends KeepLimits {
  /** Absolute. */
  readonly path: string;
  /** The folder that is drained. The manifest must not be in it. */
  readonly spoolPath: string;
  /** The file is ended before it would become larger. */
  readonly maxSizeBytes: number;
}

export type Lock = (place: ManifestPlace, path: string) => Promise<ManifestLock>;

/** Time by the wall clock is an argument. Methods reject with a Fault or the system error. */
export class OpenManifest {
  readonly #options: ManifestOptions;
  readonly #folder: OpenDirectory;
  readonly #lock: ManifestLock;
  #file: ManifestFile;

  private constructor(
    options: ManifestOptions,
    folder: OpenDirectory,
    lock: ManifestLock,
    file: ManifestFile,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#lock = lock;
    this.#file = file;
  }

  static async open(options: ManifestOptions, lock: Lock): Promise<OpenManifest> {
    const { path } = options;
    const { folder: folderPath, name } = nameOfManifest(path);
    const realFolderPath = await realFolder(folderPath);
    await refuseInsideSpool(realFolderPath, options);
    const folder = await OpenDirectory.open(realFolderPath);
    let held: ManifestLock | undefined;
    try {
      held = await lock({ dev: folder.dev, ino: folder.ino, name }, path);
      return new OpenManifest(options, folder, held, await ManifestFile.open(folder, name, path));
    } catch (error) {
      await held?.release();
      await folder.close();
      throw error;
    }
  }

  /** Bytes that were cut off the end when the file was opened. */
  get cutBytes(): number {
    return this.#file.cutBytes;
  }

  /** True if the file at the path is the one that is open: no other program has moved it away. */
  get isInPlace(): boolean {
    const present = lstatSync(this.#options.path, { bigint: true, throwIfNoEntry: false });
    return present?.ino === this.#file.ino && present.dev === this.#file.dev;
  }

  /** Resolves when `lines` are durable. First ends a file of an earlier day, or a full one. */
  async append(lines: Buffer, wallMs: number): Promise<'as before' | 'ended a file'> {
    const isOver = this.#isOver(lines.length, wallMs);
    if (isOver) await this.#endFile(wallMs);
    await this.#file.append(lines, wallMs);
    return isOver ? 'ended a file' : 'as before';
  }

  tryOut(bytes: number): Promise<void> {
    return this.#file.tryOut(bytes);
  }

  /** Deletes earlier files beyond the limits. */
  deleteOld(wallMs: number): Promise<void> {
    const { name } = nameOfManifest(this.#options.path);
    return deleteOld(this.#folder, name, this.#options, { currentBytes: this.#file.sizeBytes, wallMs });
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock.release();
    await this.#folder.close();
  }

  #isOver(moreBytes: number, wallMs: number): boolean {
    const { sizeBytes, firstAtMs } = this.#file;
    if (sizeBytes === 0) return false;
    const isOfOtherDay = firstAtMs !== undefined && dayOf(firstAtMs) !== dayOf(wallMs);
    return isOfOtherDay || sizeBytes + moreBytes > this.#options.maxSizeBytes;
  }

  async #endFile(wallMs: number): Promise<void> {
    const { path } = this.#options;
    const { name } = nameOfManifest(path);
    await endFile(this.#folder, name, this.#file.lastAtMs ?? 0, wallMs);
    const ended = this.#file;
    this.#file = await ManifestFile.open(this.#folder, name, path);
    await ended.close();
  }
}

/** In UTC, which has no day of 23 or 25 hours. */
function dayOf(wallMs: number): number {
  return Math.floor(wallMs / 86_400_000);
}

/**
 * The folder without links. Makes it if only the folder itself is missing: more would hide that a
 * disk is not mounted.
 */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const parent = await OpenDirectory.open(await realpath(dirname(path)));
  try {
    if (await parent.makeDirectory(basename(path), 0o750)) await parent.sync();
  } finally {
    await parent.close();
  }
  return realpath(path);
}

/** The config was compared as text. Here, links have been followed. */
async function refuseInsideSpool(real: string, { path, spoolPath }: ManifestOptions): Promise<void> {
  const spool = await realpath(spoolPath);
  if (real === spool || real.startsWith(`${spool}/`)) throw insideSpoolFault(path, spoolPath);
}

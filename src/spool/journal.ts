// Records that must survive a restart, one for each file, bound to the identity of the content they
// were written for.
import { hash } from 'node:crypto';
import { lstat, opendir, readdir, readFile } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import { type FileIdentity, SpoolPath, sameContentIdentity } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { inSubfolders } from './private-folder.ts';
import { makeSpares } from './spare-space.ts';
import { privateFault } from './spool-fault.ts';
import { writeDurably } from './write-durably.ts';

const FOLDER = 'multipart';

/** A file's path and content identity. A SpoolFile is one. */
export interface JournaledFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

/** A record as it was found on the disk. */
export interface JournalRecord<T> extends JournaledFile {
  readonly value: T;
}

/**
 * Knows which files have a record. It reads the folder once, because no other process writes there.
 * So the many small files that never have a record cost no access to the disk.
 */
export class JournalIndex {
  readonly #privateFolder: OpenDirectory;
  #names: Promise<Set<string>> | undefined;
  #known: ReadonlySet<string> | undefined;

  constructor(privateFolder: OpenDirectory) {
    this.#privateFolder = privateFolder;
  }

  /**
   * Resolves with the names of all records. Rejects with the system error; the next call then reads
   * again.
   */
  names(): Promise<Set<string>> {
    this.#names ??= this.#read();
    return this.#names;
  }

  /** True if no file has a record. False while that is not known. */
  get isEmpty(): boolean {
    return this.#known?.size === 0;
  }

  async #read(): Promise<Set<string>> {
    try {
      const names = await inSubfolders(this.#privateFolder, () => readdir(this.#privateFolder.at(FOLDER)));
      const known = new Set(names);
      this.#known = known;
      return known;
    } catch (error) {
      this.#names = undefined;
      throw error;
    }
  }
}

/**
 * The record of one file. load() returns only a value saved for the same content; a damaged record
 * counts as absent.
 * Methods reject with a Fault about `.halfpipe`, never about the file in the spool. They cannot be
 * cancelled.
 */
export class Journal<T> {
  readonly #held: PinnedDirectories;
  readonly #index: JournalIndex;
  readonly #file: JournaledFile;
  #hashedName: string | undefined;

  constructor(held: PinnedDirectories, index: JournalIndex, file: JournaledFile) {
    this.#held = held;
    this.#index = index;
    this.#file = file;
  }

  /** True if the file has no record; false if that has to be looked up. */
  get isEmpty(): boolean {
    return this.#index.isEmpty;
  }

  get #name(): string {
    this.#hashedName ??= `${hash('sha256', this.#file.path.bytes)}.json`;
    return this.#hashedName;
  }

  /** Resolves with the value saved for this very content, or with undefined. */
  async load(): Promise<T | undefined> {
    const record = await this.#read();
    return record !== undefined && this.#isOfThisContent(record) ? record.value : undefined;
  }

  /**
   * Resolves with the value saved for other content under the same path. What that value stands for
   * can be given up.
   */
  async loadStale(): Promise<T | undefined> {
    const record = await this.#read();
    return record === undefined || this.#isOfThisContent(record) ? undefined : record.value;
  }

  /** Resolves when the value is durable. `value` must survive JSON. */
  async save(value: T): Promise<void> {
    const { path, identity } = this.#file;
    const record = { path: path.bytes.toString('base64'), identity: toJson(identity), value };
    await this.#run('save journal of', async (privateFolder) => {
      // The name is noted before the write, because a write that fails half-way may still leave a
      // record.
      (await this.#index.names()).add(this.#name);
      await writeDurably(privateFolder, `${FOLDER}/${this.#name}`, JSON.stringify(record));
    });
  }

  /** Removes the record. Does nothing if there is none. */
  async clear(): Promise<void> {
    await this.#run('clear journal of', async (privateFolder) => {
      try {
        await privateFolder.unlink(`${FOLDER}/${this.#name}`);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return;
        throw error;
      }
      (await this.#index.names()).delete(this.#name);
      // There may be room now for the spares that were used while the disk was full.
      await makeSpares(privateFolder);
    });
  }

  #read(): Promise<JournalRecord<T> | undefined> {
    return this.#run('read journal of', async (privateFolder) =>
      (await this.#index.names()).has(this.#name) ? readRecord<T>(privateFolder, this.#name) : undefined,
    );
  }

  async #run<R>(operation: string, use: (privateFolder: OpenDirectory) => Promise<R>): Promise<R> {
    try {
      return await this.#held.run(() => use(this.#held.privateFolder));
    } catch (error) {
      throw privateFault(error, operation, this.#file.path.toString());
    }
  }

  // Ignores ctime: a file that was put back has the same bytes.
  #isOfThisContent(record: JournalRecord<T>): boolean {
    return sameContentIdentity(record.identity, this.#file.identity);
  }
}

/** Yields every readable record, also records whose file is gone. */
export async function* journalRecords<T>(privateFolder: OpenDirectory): AsyncGenerator<JournalRecord<T>> {
  for await (const dirent of await inSubfolders(privateFolder, () =>
    opendir(privateFolder.at(FOLDER).toString()),
  )) {
    const record = await readRecord<T>(privateFolder, dirent.name);
    if (record !== undefined) yield record;
  }
}

async function readRecord<T>(
  privateFolder: OpenDirectory,
  name: string,
): Promise<JournalRecord<T> | undefined> {
  try {
    const file = privateFolder.at(`${FOLDER}/${name}`);
    const [text, { dev }] = await Promise.all([readFile(file, 'utf8'), lstat(file, { bigint: true })]);
    const record = JSON.parse(text);
    return {
      path: new SpoolPath(Buffer.from(record.path, 'base64')),
      // The file is in the file system of its record, which may have another number after a start
      // of the machine. Not the number of the folder, which overlayfs tells differently.
      identity: { ...fromJson(record.identity), dev },
      value: record.value,
    };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)
      return undefined;
    throw privateFault(error, 'read journal', name);
  }
}

function toJson(identity: FileIdentity): Record<string, string> {
  return Object.fromEntries(Object.entries(identity).map(([key, value]) => [key, String(value)]));
}

/** Throws SyntaxError or TypeError on anything that toJson() did not write. */
function fromJson(json: Record<keyof FileIdentity, string>): FileIdentity {
  return {
    dev: BigInt(json.dev),
    ino: BigInt(json.ino),
    sizeBytes: Number(json.sizeBytes),
    mtimeNs: BigInt(json.mtimeNs),
    ctimeNs: BigInt(json.ctimeNs),
  };
}

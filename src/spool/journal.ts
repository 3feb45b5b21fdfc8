// What must survive a restart about one file, bound to the identity of the content it was written
// for. A record of another content is never returned as this one's; a damaged one counts as absent.
import { createHash } from 'node:crypto';
import { opendir, readdir, readFile } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import { type FileIdentity, SpoolPath, sameContentIdentity } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { inSubfolders } from './private-folder.ts';
import { makeSpares } from './spare-space.ts';
import { privateFault } from './spool-fault.ts';
import { writeDurably } from './write-durably.ts';

const FOLDER = 'multipart';

/** A file's path and present content: a SpoolFile, or as much of one as is known. */
export interface JournaledFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

/** A record as found on disk. */
export interface JournalRecord<T> extends JournaledFile {
  readonly value: T;
}

/**
 * Which files have a record. No other process writes to the private folder, so that it is read
 * once, and the many small files that never have one cost no look at the disk.
 */
export class JournalIndex {
  readonly #home: OpenDirectory;
  #names: Promise<Set<string>> | undefined;

  constructor(home: OpenDirectory) {
    this.#home = home;
  }

  /** Rejects with the system error; the next call reads again. */
  names(): Promise<Set<string>> {
    this.#names ??= this.#read();
    return this.#names;
  }

  async #read(): Promise<Set<string>> {
    try {
      return new Set(await inSubfolders(this.#home, () => readdir(this.#home.at(FOLDER))));
    } catch (error) {
      this.#names = undefined;
      throw error;
    }
  }
}

/** A fault here is never about the spooled file, only about `.halfpipe`. */
export class Journal<T> {
  readonly #held: PinnedDirectories;
  readonly #index: JournalIndex;
  readonly #file: JournaledFile;
  readonly #name: string;

  constructor(held: PinnedDirectories, index: JournalIndex, file: JournaledFile) {
    this.#held = held;
    this.#index = index;
    this.#file = file;
    this.#name = `${createHash('sha256').update(file.path.bytes).digest('hex')}.json`;
  }

  /** The value saved for this very content. */
  async load(): Promise<T | undefined> {
    const record = await this.#read();
    return record !== undefined && this.#isOfThisContent(record) ? record.value : undefined;
  }

  /**
   * The value saved for another content under the same path: what it stands for can be given up.
   */
  async loadStale(): Promise<T | undefined> {
    const record = await this.#read();
    return record === undefined || this.#isOfThisContent(record) ? undefined : record.value;
  }

  /** Durable when resolved. `value` must survive JSON. */
  async save(value: T): Promise<void> {
    const { path, identity } = this.#file;
    const record = { path: path.bytes.toString('base64'), identity: toJson(identity), value };
    await this.#run('save journal of', async (home) => {
      // Known before it is there: a write that fails half-way may have left one all the same.
      (await this.#index.names()).add(this.#name);
      await writeDurably(home, `${FOLDER}/${this.#name}`, JSON.stringify(record));
    });
  }

  async clear(): Promise<void> {
    await this.#run('clear journal of', async (home) => {
      try {
        await home.unlink(`${FOLDER}/${this.#name}`);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return;
        throw error;
      }
      (await this.#index.names()).delete(this.#name);
      // There may be room by now for what a full disk has used up.
      await makeSpares(home);
    });
  }

  #read(): Promise<JournalRecord<T> | undefined> {
    return this.#run('read journal of', async (home) =>
      (await this.#index.names()).has(this.#name) ? readRecord<T>(home, this.#name) : undefined,
    );
  }

  async #run<R>(operation: string, use: (home: OpenDirectory) => Promise<R>): Promise<R> {
    try {
      return await this.#held.run(() => use(this.#held.home));
    } catch (error) {
      throw privateFault(error, operation, this.#file.path.toString());
    }
  }

  // Blind to ctime: a file put back in its place still has the same bytes.
  #isOfThisContent(record: JournalRecord<T>): boolean {
    return sameContentIdentity(record.identity, this.#file.identity);
  }
}

/** Every readable record, whatever became of its file. */
export async function* journalRecords<T>(home: OpenDirectory): AsyncGenerator<JournalRecord<T>> {
  for await (const dirent of await inSubfolders(home, () => opendir(home.at(FOLDER).toString()))) {
    const record = await readRecord<T>(home, dirent.name);
    if (record !== undefined) yield record;
  }
}

async function readRecord<T>(home: OpenDirectory, name: string): Promise<JournalRecord<T> | undefined> {
  try {
    const record = JSON.parse(await readFile(home.at(`${FOLDER}/${name}`), 'utf8'));
    return {
      path: new SpoolPath(Buffer.from(record.path, 'base64')),
      identity: fromJson(record.identity),
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

/** Throws SyntaxError or TypeError on anything toJson did not write. */
function fromJson(json: Record<keyof FileIdentity, string>): FileIdentity {
  return {
    dev: BigInt(json.dev),
    ino: BigInt(json.ino),
    sizeBytes: Number(json.sizeBytes),
    mtimeNs: BigInt(json.mtimeNs),
    ctimeNs: BigInt(json.ctimeNs),
  };
}

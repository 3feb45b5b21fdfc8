// One bucket of the embedded S3 server: a file per object below its folder and an index in memory, journaled in
// `.index.jsonl` so that a restart finds everything again. Invariant: an object appears whole, in one step, or not at all.
import { createHash, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BodyDigest, BodyHasher, Checksum } from './s3-checksum.ts';

/** What a HEAD tells about an object. */
export interface StoredObject {
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly checksum?: Checksum;
  /** Headers to give back: content-type, x-amz-meta-*, … */
  readonly headers: Readonly<Record<string, string>>;
}

export class S3Bucket {
  readonly name: string;
  readonly #directory: string;
  readonly #objects = new Map<string, StoredObject>();

  constructor(directory: string, name: string) {
    this.name = name;
    this.#directory = join(directory, name);
  }

  /** Makes the folder or reads the index in it; what an interrupted run left unfinished is removed. */
  start(): void {
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
    if (!existsSync(this.#index)) return;
    for (const line of readFileSync(this.#index, 'utf8').split('\n')) {
      // A crash may cut the last line short; everything before it stands.
      if (!line.endsWith('}')) continue;
      const object: StoredObject | { readonly deleted: string } = JSON.parse(line);
      if ('deleted' in object) this.#objects.delete(object.deleted);
      else this.#objects.set(object.key, object);
    }
    writeFileSync(
      this.#index,
      [...this.#objects.values()].map((object) => `${JSON.stringify(object)}\n`).join(''),
    );
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** All keys that begin with `prefix`, in the order of their UTF-16 code units. */
  keys(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  /** The file that holds the object's bytes. */
  fileOf(key: string): string {
    return join(this.#directory, fileName(key));
  }

  /** Writes a body to a file of its own, out of sight. Rejects when it breaks off or does not match its digests. */
  async receive(
    body: Readable,
    hasher: BodyHasher,
  ): Promise<{ readonly file: string; readonly digest: BodyDigest }> {
    const file = join(this.#incoming, randomUUID());
    const handle = await open(file, 'wx');
    try {
      await copy(body, handle, hasher);
      return { file, digest: hasher.finish() };
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** A file to write something into before it is committed. */
  scratchFile(): string {
    return join(this.#incoming, randomUUID());
  }

  /**
   * Makes `file` the object's content, replacing what was there. `permit` is asked in the same turn; when it throws,
   * nothing changes and the file is removed.
   */
  commit(file: string, object: StoredObject, permit: () => void): void {
    try {
      permit();
      renameSync(file, this.fileOf(object.key));
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
    this.#objects.set(object.key, object);
    appendFileSync(this.#index, `${JSON.stringify(object)}\n`);
  }

  /** Deleting what is not there is no error. */
  delete(key: string): void {
    if (!this.#objects.delete(key)) return;
    rmSync(this.fileOf(key), { force: true });
    appendFileSync(this.#index, `${JSON.stringify({ deleted: key })}\n`);
  }

  get #index(): string {
    return join(this.#directory, '.index.jsonl');
  }

  get #incoming(): string {
    return join(this.#directory, '.incoming');
  }
}

async function copy(body: Readable, handle: FileHandle, hasher: BodyHasher): Promise<void> {
  for await (const chunk of body) {
    hasher.update(chunk);
    await handle.writeFile(chunk);
  }
}

/** Readable where the key allows it; unique always: `%s` begins no escape that encodeURIComponent makes. */
function fileName(key: string): string {
  const readable = encodeURIComponent(key).replace(/^\./, '%2E');
  if (Buffer.byteLength(readable) <= 255) return readable;
  return `%sha256-${createHash('sha256').update(key).digest('hex')}`;
}

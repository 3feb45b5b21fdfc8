// What the null S3 server remembers: for every object its size, digest and headers, hardly ever its bytes.
import { createHash, randomUUID } from 'node:crypto';

export interface StoredObject {
  /** Without quotes; the MD5 in hex, with `-N` when composed of parts. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modified: Date;
  readonly headers: Readonly<Record<string, string>>;
  /** Only of small objects. */
  readonly bytes?: Buffer;
}

export interface ListedPage {
  readonly objects: readonly (readonly [string, StoredObject])[];
  readonly prefixes: readonly string[];
  /** Where the next page goes on; undefined on the last one. */
  readonly next: string | undefined;
}

interface OpenUpload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, StoredObject>;
}

export class NullBuckets {
  readonly #buckets = new Map<string, Map<string, StoredObject>>();
  readonly #uploads = new Map<string, OpenUpload>();

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#buckets.get(bucket)?.get(key);
  }

  put(bucket: string, key: string, object: StoredObject): void {
    const objects = this.#buckets.get(bucket) ?? new Map<string, StoredObject>();
    this.#buckets.set(bucket, objects.set(key, object));
  }

  remove(bucket: string, key: string): void {
    this.#buckets.get(bucket)?.delete(key);
  }

  count(): { readonly objects: number; readonly bytes: number } {
    const all = [...this.#buckets.values()].flatMap((objects) => [...objects.values()]);
    return { objects: all.length, bytes: all.reduce((sum, object) => sum + object.sizeBytes, 0) };
  }

  /** One page in key order, what shares a prefix up to the delimiter folded into one. */
  list(bucket: string, prefix: string, delimiter: string, after: string, limit: number): ListedPage {
    const objects: [string, StoredObject][] = [];
    const prefixes = new Set<string>();
    for (const [key, object] of [...(this.#buckets.get(bucket) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!key.startsWith(prefix) || key <= after) continue;
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      if (cut >= 0) prefixes.add(key.slice(0, cut + delimiter.length));
      else objects.push([key, object]);
      if (objects.length + prefixes.size >= limit) return { objects, prefixes: [...prefixes], next: key };
    }
    return { objects, prefixes: [...prefixes], next: undefined };
  }

  openUpload(bucket: string, key: string, headers: Readonly<Record<string, string>>): string {
    const id = randomUUID();
    this.#uploads.set(id, { bucket, key, headers, parts: new Map() });
    return id;
  }

  openUploads(bucket: string): { readonly id: string; readonly key: string }[] {
    return [...this.#uploads]
      .filter(([, upload]) => upload.bucket === bucket)
      .map(([id, { key }]) => ({ id, key }));
  }

  parts(id: string): Map<number, StoredObject> | undefined {
    return this.#uploads.get(id)?.parts;
  }

  abort(id: string): void {
    this.#uploads.delete(id);
  }

  /** Undefined when a part is missing. The ETag is the MD5 of the parts' MD5s, as S3 makes it. */
  complete(id: string, numbers: readonly number[]): StoredObject | undefined {
    const upload = this.#uploads.get(id);
    if (upload === undefined) return undefined;
    const md5 = createHash('md5');
    let sizeBytes = 0;
    for (const number of numbers) {
      const part = upload.parts.get(number);
      if (part === undefined) return undefined;
      md5.update(Buffer.from(part.etag, 'hex'));
      sizeBytes += part.sizeBytes;
    }
    const etag = `${md5.digest('hex')}-${numbers.length}`;
    const whole = { etag, sizeBytes, modified: new Date(), headers: upload.headers };
    this.put(upload.bucket, upload.key, whole);
    this.#uploads.delete(id);
    return whole;
  }
}

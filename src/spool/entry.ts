// The nouns of the spool: a path, the identity of a file's content, and the entry that travels from
// the scanner through the backlog to the drain.
import { printable } from '../system/printable.ts';

/**
 * A path inside the spool, relative to its root. Names are bytes, because not every name is UTF-8.
 */
export class SpoolPath {
  /** The path's bytes, `/`-separated, without a leading `/`. */
  readonly bytes: Buffer;
  /** Exact and unique: use it as a map key. It is not readable text. */
  readonly id: string;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.id = bytes.toString('latin1');
  }

  static from(path: string): SpoolPath {
    return new SpoolPath(Buffer.from(path));
  }

  /** One safe line for logs: control characters and bytes that are not UTF-8 are escaped. */
  toString(): string {
    return printable(this.bytes.toString('utf8'));
  }
}

/**
 * The folders above a file, outermost first, each ending in `/`, as latin1 text. `['']` for a file
 * in the root of the spool.
 */
export function foldersOf({ id }: Pick<SpoolPath, 'id'>): string[] {
  const folders: string[] = [];
  for (let at = id.indexOf('/'); at !== -1; at = id.indexOf('/', at + 1)) folders.push(id.slice(0, at + 1));
  return folders.length === 0 ? [''] : folders;
}

/** Must be unchanged for "the file we uploaded" and "the file we delete" to be the same bytes. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** True if nothing about the file has changed, not even its links or permissions. */
export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ctimeNs === b.ctimeNs && sameContentIdentity(a, b);
}

/** Like sameIdentity(), but ignores ctime, which a rename, a chmod or another link also changes. */
export function sameContentIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs;
}

/**
 * The content that was read from a file, and the file's identity at that time. New links and
 * permissions change ctime as well, so when only ctime differs, only the bytes can show whether the
 * content is the same.
 */
export interface KnownContent {
  readonly identity: FileIdentity;
  /** Reads the file again. Resolves with true if it still has the same bytes. */
  isUnchanged(): Promise<boolean>;
}

/** A settled file waiting in the spool, as the scanner last saw it. */
export interface Entry {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
  /** Wall clock, milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /** The object's key [made from the path]. */
  readonly key?: string;
  /** It is a file of ours that holds others, which may also be sent in smaller groups. */
  readonly isPacket?: true;
  /** The store may hold it already, so it is asked before anything is sent. */
  readonly mayBeStored?: true;
}

export type SpoolOrder = 'oldest-first' | 'newest-first' | 'smallest-first' | 'name';

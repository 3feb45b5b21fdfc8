// Files of one kind, for people and programs.

/**
 * `waiting`: complete, and not tried yet. `sending`: read, sent or removed now. `deferred`: waits
 * for another attempt. `skipped`: never uploaded. `quarantined`: needs a human. `recent`: uploads
 * and failures since the start, the newest first.
 */
export const FILE_LISTS = ['waiting', 'sending', 'deferred', 'skipped', 'quarantined', 'recent'] as const;
export type FileListName = (typeof FILE_LISTS)[number];

export interface FileListView {
  /** The name of the list. */
  readonly list: FileListName;
  /** In `waiting` and `deferred`, only those that are in memory. */
  readonly files: readonly FileView[];
  /** How many there are, with those that the list leaves out. */
  readonly total: number;
}

/** What is not known, or does not exist for this kind of file, is null. */
export interface FileView {
  /** Below the spool. Bytes that are not UTF-8 are shown as U+FFFD. */
  readonly path: string;
  /** The bytes of the path, if `path` does not show them exactly. */
  readonly pathBase64: string | null;
  /** In `recent`: what happened. In `sending`: the stage. Else: why the file is in this list. */
  readonly state: string;
  /** How many files a packet holds; null for a file. */
  readonly files: number | null;
  /** The size in bytes. */
  readonly sizeBytes: number | null;
  /** Milliseconds since the epoch, as the file system says. */
  readonly modifiedAtMs: number | null;
  /** When the file came to this state, in milliseconds since the epoch. */
  readonly sinceAtMs: number | null;
  /** Bytes that have left for the store. */
  readonly sentBytes: number | null;
  /** The object's key. */
  readonly key: string | null;
  /** The file's name in the packet that `key` names; null if the object is the file itself. */
  readonly member: string | null;
  /** SHA-256 of the content in hexadecimal, of files that were sent whole or in a packet. */
  readonly sha256: string | null;
  /** How long the upload took, with its proof and the removal of the file. */
  readonly durationMs: number | null;
  /** The code of the fault, for example `AccessDenied`. */
  readonly code: string | null;
  /** What is wrong, in one line. */
  readonly reason: string | null;
  /** What to do about it, in one line. */
  readonly remedy: string | null;
  /** Failed attempts. */
  readonly attempts: number | null;
  /** When it is tried again, in milliseconds since the epoch. */
  readonly nextTryAtMs: number | null;
  /** The id that `halfpipe quarantine` takes. */
  readonly id: string | null;
}

const NOTHING: Omit<FileView, 'path' | 'state'> = {
  pathBase64: null,
  files: null,
  sizeBytes: null,
  modifiedAtMs: null,
  sinceAtMs: null,
  sentBytes: null,
  key: null,
  member: null,
  sha256: null,
  durationMs: null,
  code: null,
  reason: null,
  remedy: null,
  attempts: null,
  nextTryAtMs: null,
  id: null,
};

/** A file of which only `known` is known. */
export function fileView(
  path: { readonly bytes: Buffer },
  state: string,
  known: Partial<Omit<FileView, 'path' | 'pathBase64' | 'state'>> = {},
): FileView {
  const text = `${path}`;
  const pathBase64 = Buffer.from(text).equals(path.bytes) ? null : path.bytes.toString('base64');
  return { ...NOTHING, path: text, state, ...known, pathBase64 };
}

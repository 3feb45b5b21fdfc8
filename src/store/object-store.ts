// The port to whatever keeps the objects. The S3 adapter implements it; the simulation has its own.
// A store answers with receipts; only drain/verify turns a receipt into a proof.

/** Digests of a body's exact bytes, computed here over the bytes that are sent. */
export interface Digest {
  readonly md5Hex: string;
  readonly sha256Hex: string;
}

/** What was sent, in the terms in which a store can confirm it. */
export interface LocalContent {
  readonly sizeBytes: number;
  /** One digest for an object put whole; one for each part, in order, of a multipart upload. */
  readonly parts: readonly Digest[];
  readonly multipart: boolean;
  /** The size of every part but the last, when `multipart`. */
  readonly partSizeBytes?: number;
  /** The digest of the whole, where there are several parts and it had to be known. */
  readonly whole?: Digest;
}

/** What the store answered about the object it now holds. Absent fields were not answered. */
export interface Receipt {
  readonly key: string;
  readonly versionId?: string;
  /** As it was answered. An MD5 (or MD5-of-MD5s with `-N`) on most stores, opaque on others. */
  readonly etag?: string;
  /** The store says that it encrypts in a way that makes the ETag something else. */
  readonly etagIsOpaque?: true;
  /** As it was answered: base64 at AWS, with `-N` when composed of parts. */
  readonly checksumSha256?: string;
  /** The store says that the checksum is composed of the parts'. */
  readonly checksumIsComposite?: true;
  /** The digest of the whole object, from a header that says so (Content-MD5, x-goog-hash). */
  readonly md5?: string;
  /** From HEAD or GET only: a PUT's answer has no size. */
  readonly sizeBytes?: number;
  /**
   * Digests of the object as read back in full, cut as the local content is (see `partSizeBytes`):
   * the last resort when nothing else can be compared.
   */
  readonly readBack?: readonly Digest[];
}

/** The bytes to upload. */
export interface UploadSource {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset`, or a Fault of class `changed`. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface UploadRequest {
  readonly key: string;
  readonly source: UploadSource;
  /** Where a multipart upload keeps what it needs to resume. Absent: it cannot be resumed. */
  readonly journal?: UploadJournal;
  readonly signal: AbortSignal;
  /**
   * Called whenever the store has taken a part of a multipart upload: long before its end, uploads
   * are known to pass.
   */
  readonly onAccepted?: (() => void) | undefined;
}

/** Survives a restart; holds the open multipart upload of one file. */
export interface UploadJournal {
  load(): Promise<JournaledUpload | undefined>;
  /** The upload of an earlier content of the file, to be given up. Absent: there never is one. */
  loadStale?(): Promise<JournaledUpload | undefined>;
  save(upload: JournaledUpload): Promise<void>;
  clear(): Promise<void>;
}

/**
 * A multipart upload at a store: one that is open, or one of which only the request to begin it is
 * known.
 */
export interface BegunUpload {
  /** Absent in what earlier versions wrote down: the present one. */
  readonly endpoint?: string;
  readonly bucket: string;
  readonly key: string;
  /** Absent: there is none, or its name has not arrived. */
  readonly uploadId?: string;
  /**
   * A request to begin one may have been carried out without an answer. These uploads of the key
   * were open before it; any other that is open without our knowing its name is ours.
   */
  readonly unnamedBeside?: readonly string[];
}

export interface JournaledUpload extends BegunUpload {
  readonly partSizeBytes: number;
  /** When it was begun, by the wall clock. */
  readonly begunMs?: number;
  /**
   * How long the store kept each earlier upload of this content before it threw it away unfinished.
   */
  readonly keptMs?: readonly number[];
  /**
   * Left open at an endpoint, or in a bucket, that is not the present one: for when that comes
   * back.
   */
  readonly left?: readonly BegunUpload[];
}

export interface Upload {
  readonly local: LocalContent;
  readonly receipt: Receipt;
  /** `already-there`: the store held the same bytes under the key; nothing was overwritten. */
  readonly outcome: 'stored' | 'already-there';
}

export interface ObjectStore {
  /**
   * Puts the source's bytes under `key`, or under a key derived from it where the conflict policy
   * says so. Rejects with a Fault whose class decides what happens next, or with the signal's
   * reason.
   */
  upload(request: UploadRequest): Promise<Upload>;
  /**
   * What the store says about `key`, read back in full when its answers cannot be compared with
   * `local` otherwise.
   */
  confirm(key: string, local: LocalContent, signal: AbortSignal): Promise<Receipt>;
  /**
   * Resolves when the bucket answers with the present credentials; rejects with a Fault that says
   * what is wrong.
   */
  probe(signal: AbortSignal): Promise<void>;
  /**
   * Puts a tiny object of our own into a folder of the spool (bytes that are empty or end in `/`),
   * and deletes it where that is allowed. Rejects with the Fault of the put.
   */
  trial(folder: Buffer, signal: AbortSignal): Promise<void>;
  /**
   * Aborts what is recorded of a file that is gone or has changed; what the store does not know is
   * fine. Resolves with what cannot be aborted now because it is elsewhere, to be recorded in its
   * place; undefined for nothing.
   */
  abandon(upload: JournaledUpload, signal: AbortSignal): Promise<JournaledUpload | undefined>;
  /** Closes idle connections. Uploads in flight are not waited for. */
  close(): void;
}

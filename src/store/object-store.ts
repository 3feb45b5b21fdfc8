// The port to a store of objects. The S3 adapter implements it, and the simulation has its own. A
// store answers with receipts; only drain/verify turns a receipt into a proof.

/** Digests of exactly the bytes that are sent. */
export interface Digest {
  /** '' if it is not known: then no MD5 says anything about the bytes. */
  readonly md5Hex: string;
  readonly sha256Hex: string;
}

/** What was sent, in terms that a store can confirm. */
export interface LocalContent {
  readonly sizeBytes: number;
  /** One digest for an object sent whole; one for each part, in order, for a multipart upload. */
  readonly parts: readonly Digest[];
  readonly multipart: boolean;
  /** The size of every part except the last, if `multipart`. */
  readonly partSizeBytes?: number;
  /** The digest of the whole content, if there are several parts and it was needed. */
  readonly whole?: Digest;
}

/** What the store answered about the object it now holds. A missing field was not answered. */
export interface Receipt {
  readonly key: string;
  readonly versionId?: string;
  /**
   * Written as the store wrote it: an MD5 (or an MD5 of MD5s with `-N`) at most stores, opaque at
   * others.
   */
  readonly etag?: string;
  /** The store encrypts in a way that makes the ETag something else than an MD5. */
  readonly etagIsOpaque?: true;
  /** Written as the store wrote it: base64 at AWS, with `-N` if composed of parts. */
  readonly checksumSha256?: string;
  /** The store says that the checksum is composed of the checksums of the parts. */
  readonly checksumIsComposite?: true;
  /** The digest of the whole object, from a header that names it (Content-MD5, x-goog-hash). */
  readonly md5?: string;
  /** From HEAD or GET only. The answer to a PUT has no size. */
  readonly sizeBytes?: number;
  /**
   * Digests of the object as read back in full, cut like the local content (see `partSizeBytes`).
   * The last resort when nothing else can be compared.
   */
  readonly readBack?: readonly Digest[];
}

/** The bytes to upload. */
export interface UploadSource {
  readonly sizeBytes: number;
  /**
   * Resolves with exactly `length` bytes from `offset`. Rejects with Fault `changed` when the file
   * has become shorter.
   */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Nothing reads this content any more, in any thread: its memory may be used again. Content that
   * does not come back is left to the garbage collector.
   */
  giveBack?(content: Buffer): void;
  /** This content is not needed any more, but a request that was given up may still read it. */
  drop?(content: Buffer): void;
}

export interface UploadRequest {
  readonly key: string;
  readonly source: UploadSource;
  /** Where a multipart upload records what it needs to resume. Without it, it cannot resume. */
  readonly journal?: UploadJournal;
  readonly signal: AbortSignal;
  /** The same bytes may be there already; the store is asked before anything is sent [false]. */
  readonly mayBeThere?: boolean | undefined;
  /** Content up to this size is sent whole in any case [0]. */
  readonly wholeBytes?: number | undefined;
  /**
   * Called each time the store has accepted a part of a multipart upload. Long before the end, this
   * shows that uploads succeed.
   */
  readonly onAccepted?: (() => void) | undefined;
}

/** Holds the open multipart upload of one file across restarts. */
export interface UploadJournal {
  /** True if it is known, without a look at the disk, that nothing is recorded. */
  readonly isEmpty?: boolean;
  load(): Promise<JournaledUpload | undefined>;
  /** The upload of an earlier content of the file, which is to be given up. */
  loadStale?(): Promise<JournaledUpload | undefined>;
  save(upload: JournaledUpload): Promise<void>;
  clear(): Promise<void>;
}

/**
 * A multipart upload at a store: one that is open, or one of which only the request to begin it is
 * known.
 */
export interface BegunUpload {
  /** Records of earlier versions do not have it; they mean the present endpoint. */
  readonly endpoint?: string;
  readonly bucket: string;
  readonly key: string;
  /** Undefined if there is no upload or its id has not arrived. */
  readonly uploadId?: string;
  /**
   * Set if a request to begin an upload may have succeeded without an answer. These uploads of the
   * key were open before that request. Any other upload that is open under an unknown id is ours.
   */
  readonly unnamedBeside?: readonly string[];
}

export interface JournaledUpload extends BegunUpload {
  readonly partSizeBytes: number;
  /** When the upload was begun, by the wall clock. */
  readonly begunMs?: number;
  /**
   * How long the store kept each earlier upload of this content before it threw the unfinished
   * upload away.
   */
  readonly keptMs?: readonly number[];
  /**
   * Uploads left open at an endpoint or in a bucket that is not the present one. They are aborted
   * when that place is configured again.
   */
  readonly left?: readonly BegunUpload[];
}

export interface Upload {
  readonly local: LocalContent;
  readonly receipt: Receipt;
  /** `already-there`: the store held the same bytes under the key, and nothing was overwritten. */
  readonly outcome: 'stored' | 'already-there';
}

/**
 * The store as the drain knows it. Every method rejects with a Fault whose class decides what
 * happens next, or with the signal's reason after an abort.
 */
export interface ObjectStore {
  /**
   * Stores the source's bytes under `key`, or under a derived key if the conflict policy requires
   * that.
   */
  upload(request: UploadRequest): Promise<Upload>;
  /**
   * Resolves with what the store says about `key`. Reads the object back in full if the answers
   * cannot be compared with `local` otherwise.
   */
  confirm(key: string, local: LocalContent, signal: AbortSignal): Promise<Receipt>;
  /**
   * Resolves when the bucket answers with the present credentials. Rejects with a Fault that says
   * what is wrong.
   */
  probe(signal: AbortSignal): Promise<void>;
  /**
   * Puts a tiny object of our own into a folder of the spool (bytes that are empty or end in `/`),
   * and deletes it if that is allowed. Rejects with the Fault of the put.
   */
  trial(folder: Buffer, signal: AbortSignal): Promise<void>;
  /**
   * Aborts the recorded upload of a file that is gone or has changed. An upload that the store does
   * not know counts as aborted. Resolves with the uploads that cannot be aborted now because they
   * are at another place, to be recorded instead; undefined if there are none.
   */
  abandon(upload: JournaledUpload, signal: AbortSignal): Promise<JournaledUpload | undefined>;
  /** Closes idle connections. Does not wait for uploads in flight. */
  close(): void;
}

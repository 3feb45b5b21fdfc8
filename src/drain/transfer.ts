// One file's life: open → sync → read → upload → verify → dispose. Every exit but the last leaves
// the file in the spool.
import {
  type Entry,
  type FileIdentity,
  type KnownContent,
  type SpoolPath,
  sameContentIdentity,
} from '../spool/entry.ts';
import type { Writers } from '../spool/open-writers.ts';
import type { HoldOn } from '../spool/salvage.ts';
import { stillWrittenFault } from '../spool/spool-fault.ts';
import { keyFor } from '../store/keys.ts';
import type { ObjectStore, Upload, UploadJournal, UploadSource } from '../store/object-store.ts';
import { Fault } from '../system/fault.ts';
import { dispose, type SetAside } from './dispose.ts';
import { hasContent } from './same-content.ts';
import type { Undisposed } from './undisposed.ts';
import { isProof, type Proof, verify } from './verify.ts';

/** A file held open from upload to disposal. */
export interface OpenFile extends UploadSource {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
  currentIdentity(): Promise<FileIdentity>;
  /** Resolves when a power cut can no longer bring the content back as less. */
  sync(signal: AbortSignal): Promise<void>;
  writers(): Promise<Writers>;
  close(): Promise<void>;
}

/** What a transfer needs of the spool. */
export interface TransferSpool {
  openFile(path: SpoolPath): Promise<OpenFile>;
  setAside(file: OpenFile, known: KnownContent): Promise<SetAside>;
  journal(file: OpenFile): UploadJournal;
}

export interface TransferOptions {
  readonly spool: TransferSpool;
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly undisposed: Undisposed;
  readonly signal: AbortSignal;
  /** The disk may take minutes for a large file that was just written. */
  readonly whileSyncing: (sync: () => Promise<void>) => Promise<void>;
  /** Smaller files are in memory before their turn comes. */
  readonly resumableFromBytes: number;
  /** Runs what sends, when it is this file's turn. */
  readonly whileSending: <T>(send: () => Promise<T>) => Promise<T>;
  /**
   * Content has been read, for the store or for its digests alone: progress, though nothing may
   * have been sent.
   */
  readonly onRead: () => void;
  /** What was written in the moment of the removal cannot be brought back yet. */
  readonly holdOn: HoldOn;
}

export interface Transferred {
  readonly proof: Proof;
  readonly outcome: Upload['outcome'];
  readonly multipart: boolean;
  /** The digest of the whole content, where it was sent whole. */
  readonly sha256Hex: string | undefined;
}

/** Rejects with a Fault, or with the signal's reason. */
export async function transfer(entry: Entry, options: TransferOptions): Promise<Transferred> {
  const { spool, prefix, undisposed, holdOn } = options;
  const key = keyFor(entry.path.bytes, prefix);
  const file = await spool.openFile(entry.path);
  try {
    // Only the content the scanner saw has settled. If the file changed since, it must settle
    // again.
    if (!sameContentIdentity(file.identity, entry.identity)) throw changed(entry.path, 'since it was found');
    const earlier = undisposed.of(file);
    const { upload, proof } = await (earlier === undefined
      ? uploadAndProve(file, key, options)
      : reprove(file, earlier.upload, options));
    const identity = earlier?.identity ?? file.identity;
    undisposed.keep({ path: file.path, identity }, upload);
    const isUnchanged = () => hasContent(file, upload.local, options.onRead, options.signal);
    await dispose(() => spool.setAside(file, { identity, isUnchanged }), proof, holdOn);
    undisposed.forget(file.path);
    const { parts, multipart } = upload.local;
    return {
      proof,
      outcome: upload.outcome,
      multipart,
      sha256Hex: multipart ? undefined : parts[0]?.sha256Hex,
    };
  } finally {
    await file.close();
  }
}

interface ProvenUpload {
  readonly upload: Upload;
  readonly proof: Proof;
}

async function uploadAndProve(file: OpenFile, key: string, options: TransferOptions): Promise<ProvenUpload> {
  const { spool, store, signal, onRead, resumableFromBytes, whileSyncing, whileSending } = options;
  // First, or the store might be given what a power cut then takes from the spool.
  await whileSyncing(() => file.sync(signal));
  // Also for small files: a larger one of this name may have left an upload open, to be ended
  // first.
  const journal = spool.journal(file);
  const steadily = steady(file, onRead);
  const source = file.sizeBytes < resumableFromBytes ? await readAhead(steadily) : steadily;
  // After the reading, where all is read by now: nothing of a file that is not complete leaves for
  // the store.
  if ((await file.writers()) === 'some') throw stillWrittenFault('upload', `${file.path}`);
  // Its writer may have gone on after the reading, and closed the file before the answer.
  await refuseChanged(file, 'before it was sent');
  return whileSending(async () => {
    const upload = await store.upload({ key, source, journal, signal });
    await refuseChanged(file, 'while it was uploaded');
    const answered = verify(upload.local, upload.receipt, [file.identity]);
    return { upload, proof: isProof(answered) ? answered : await prove(file, upload, store, signal) };
  });
}

/** What was sent before and could not be removed is not sent again, if the store still has it. */
function reprove(
  file: OpenFile,
  upload: Upload,
  { store, signal, undisposed, whileSending }: TransferOptions,
): Promise<ProvenUpload> {
  undisposed.forget(file.path);
  return whileSending(async () => ({ upload, proof: await prove(file, upload, store, signal) }));
}

/**
 * The file as a source that fails when it changed by the time its end was read: what a store is
 * given to keep are bytes that were all there at one moment, or it is told to drop them.
 */
function steady(file: OpenFile, onRead: () => void): UploadSource {
  const { sizeBytes } = file;
  return {
    sizeBytes,
    read: async (offset, length) => {
      const bytes = await file.read(offset, length);
      onRead();
      if (offset + length >= sizeBytes) await refuseChanged(file, 'while it was read');
      return bytes;
    },
  };
}

async function readAhead({ sizeBytes, read }: UploadSource): Promise<UploadSource> {
  const content = await read(0, sizeBytes);
  return { sizeBytes, read: async (offset, length) => content.subarray(offset, offset + length) };
}

async function refuseChanged(file: OpenFile, when: string): Promise<void> {
  // A change of ctime alone is looked into once, when the file is set aside.
  if (!sameContentIdentity(await file.currentIdentity(), file.identity)) throw changed(file.path, when);
}

/** By asking the store anew. */
async function prove(
  { identity }: OpenFile,
  { local, receipt }: Upload,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<Proof> {
  const confirmed = verify(local, await store.confirm(receipt.key, local, signal), [identity]);
  if (isProof(confirmed)) return confirmed;
  throw new Fault('unknown', `cannot prove that the store holds the file: ${confirmed.doubt}`, {
    operation: 'verify the upload',
    subject: receipt.key,
    hint: 'The file stays in the spool and is uploaded again.',
    code: 'NotProven',
  });
}

function changed(path: SpoolPath, when: string): Fault {
  return new Fault('changed', `${path} changed ${when}`, {
    operation: 'compare the file',
    subject: `${path}`,
  });
}

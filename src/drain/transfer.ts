// One file's life: open → sync → read → upload → verify → record → dispose. Every exit except
// the last leaves the file in the spool.
import {
  type Entry,
  type FileIdentity,
  type KnownContent,
  type SpoolPath,
  sameContentIdentity,
} from '../spool/entry.ts';
import type { Writers } from '../spool/open-writers.ts';
import { stillWrittenFault } from '../spool/spool-fault.ts';
import { NOT_PROVEN } from '../store/evidence.ts';
import type { ObjectStore, Upload, UploadJournal, UploadSource } from '../store/object-store.ts';
import type { ContentMemory } from '../system/content-memory.ts';
import { Fault } from '../system/fault.ts';
import type { EntryPlan } from './destination.ts';
import { dispose, type SetAside } from './dispose.ts';
import { asFault } from './drain-faults.ts';
import { hasContent } from './same-content.ts';
import { packedUpload, type UnremovedUpload, type UnremovedUploads } from './unremoved-uploads.ts';
import { isProof, type Proof, verify } from './verify.ts';

/** A file held open from its upload to its disposal. */
export interface OpenFile extends Pick<UploadSource, 'sizeBytes'> {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
  /** Does what UploadSource.read() does, and reads into `into` if that is given. */
  read(offset: number, length: number, into?: Buffer): Promise<Buffer>;
  currentIdentity(): FileIdentity | Promise<FileIdentity>;
  /** Resolves when a power cut can no longer bring the file back with less content. */
  sync(signal: AbortSignal): Promise<void>;
  writers(): Promise<Writers>;
  close(): Promise<void>;
}

/** What a transfer needs from the spool. */
export interface TransferSpool {
  openFile(path: SpoolPath, signal?: AbortSignal): Promise<OpenFile>;
  setAside(file: OpenFile, known: KnownContent): Promise<SetAside>;
  journal(file: OpenFile): UploadJournal;
}

export interface TransferOptions {
  readonly spool: TransferSpool;
  readonly store: ObjectStore;
  readonly unremoved: UnremovedUploads;
  readonly signal: AbortSignal;
  /** What is read for the store goes here. */
  readonly memory: ContentMemory;
  /** Runs a sync. The disk may take minutes for a large file that was just written. */
  readonly whileSyncing: (sync: () => Promise<void>) => Promise<void>;
  /** Runs what sends, when it is this file's turn. */
  readonly whileSending: <T>(send: () => Promise<T>) => Promise<T>;
  /**
   * Content was read, for the store or only for its digests. That is progress even if nothing was
   * sent.
   */
  readonly onRead: (bytes: number) => void;
  /** The store has taken the object, or may have. Nothing is proven yet. */
  readonly onStored: () => void;
  /** Resolves when the manifest has the file's line, durably. */
  readonly record: (file: OpenFile, upload: Upload, proof: Proof) => Promise<void>;
  /** What was written to the file during its removal cannot be brought back yet. */
  readonly waitForRoom: (path: SpoolPath, fault: Fault) => Promise<void>;
}

export interface Transferred {
  readonly proof: Proof;
  readonly outcome: Upload['outcome'];
  readonly multipart: boolean;
  /** The digest of the whole content, if the file was sent whole. */
  readonly sha256Hex: string | undefined;
}

/** What is sent as one object. */
export interface Sending {
  /** A file, or a packet of files. */
  readonly entry: Entry;
  readonly plan: EntryPlan;
  /** The object's key. */
  readonly key: string;
}

/**
 * Sends a file and removes it. Resolves when the object is stored and the file has left the spool.
 * Rejects with a Fault, or with the signal's reason: the file is then still in the spool.
 */
export async function transfer(sending: Sending, options: TransferOptions): Promise<Transferred> {
  const { entry } = sending;
  const file = await options.spool.openFile(entry.path, options.signal);
  try {
    // Only the content the scanner saw has settled. If the file changed since, it must settle
    // again.
    if (!sameContentIdentity(file.identity, entry.identity))
      throw changedFault(entry.path, 'since it was found');
    const earlier = options.unremoved.of(file);
    const { upload, proof } = await (earlier === undefined
      ? uploadAndProve(sending, file, options)
      : reprove(earlier, file, options));
    await remove(file, earlier, { upload, proof }, options);
    const { multipart } = upload.local;
    const content = earlier?.content ?? upload.local;
    const sha256Hex = content.multipart ? undefined : content.parts[0]?.sha256Hex;
    return { proof, outcome: upload.outcome, multipart, sha256Hex };
  } finally {
    await file.close();
  }
}

/** What cannot be recorded or removed now is remembered, so that it is not sent again. */
async function remove(
  file: OpenFile,
  earlier: UnremovedUpload | undefined,
  { upload, proof }: ProvenUpload,
  { spool, unremoved, record, waitForRoom, onRead, signal }: TransferOptions,
): Promise<void> {
  const { path } = file;
  const { identity } = earlier ?? file;
  const known: UnremovedUpload = { ...earlier, path, identity, upload, isRecorded: true };
  if (earlier?.isRecorded !== true) {
    unremoved.keep({ ...known, isRecorded: false });
    await record(file, upload, proof);
  }
  unremoved.keep(known);
  const isUnchanged = () => hasContent(file, known.content ?? upload.local, () => onRead(0), signal);
  const stuck = await dispose(
    () => spool.setAside(file, { identity, isUnchanged }),
    proof,
    (fault) => waitForRoom(path, fault),
  );
  unremoved.forget(path);
  for (const member of stuck) unremoved.keep(packedUpload(member, upload));
}

interface ProvenUpload {
  readonly upload: Upload;
  readonly proof: Proof;
}

async function uploadAndProve(
  { entry, plan, key }: Sending,
  file: OpenFile,
  options: TransferOptions,
): Promise<ProvenUpload> {
  const { spool, store, signal, whileSyncing, whileSending, onStored } = options;
  // The sync comes first. Otherwise the store could get content that a power cut then takes from
  // the spool.
  await whileSyncing(() => file.sync(signal));
  // Small files have a journal as well, because a larger file of the same name may have left an
  // upload open that must be ended first.
  const journal = spool.journal(file);
  return withWhole(plan, steady(file, options), async (ready) => {
    // Asked after reading, when all content is there. Nothing of an incomplete file leaves for the
    // store.
    if ((await file.writers()) === 'some') throw stillWrittenFault('upload', `${file.path}`);
    // The writer may have written after the reading, and closed the file before the answer.
    await refuseChanged(file, 'before it was sent');
    return whileSending(async () => {
      const upload = await store
        .upload({
          ...{ key, source: ready, journal, signal, wholeBytes: plan.wholeBytes },
          mayBeThere: entry.mayBeStored === true,
        })
        .catch((error) => {
          if (error instanceof Fault && error.mayBeStored) onStored();
          throw error;
        });
      onStored();
      await refuseChanged(file, 'while it was uploaded');
      const answered = verify(upload.local, upload.receipt, [file.identity]);
      return { upload, proof: isProof(answered) ? answered : await prove(file, upload, store, signal) };
    });
  });
}

/**
 * A file that was sent before and could not be removed is not sent again if the store still has it.
 */
function reprove(
  { path, upload }: UnremovedUpload,
  file: OpenFile,
  { store, signal, unremoved, whileSending }: TransferOptions,
): Promise<ProvenUpload> {
  return whileSending(async () => {
    try {
      return { upload, proof: await prove(file, upload, store, signal) };
    } catch (error) {
      // Without an answer, the store may still have it.
      if (!signal.aborted && asFault(error).faultClass !== 'transient') unremoved.forget(path);
      throw error;
    }
  });
}

/**
 * The file as a source that rejects if the file changed before its end was read. So the bytes that
 * a store keeps were all there at one moment.
 */
function steady(file: OpenFile, { memory, onRead }: TransferOptions): UploadSource {
  const { sizeBytes } = file;
  return {
    sizeBytes,
    read: async (offset, length) => {
      const content = memory.take(length);
      try {
        await file.read(offset, length, content);
        onRead(length);
        if (offset + length >= sizeBytes) await refuseChanged(file, 'while it was read');
        return content;
      } catch (error) {
        memory.drop(content);
        throw error;
      }
    },
    giveBack: (content) => memory.giveBack(content),
    drop: (content) => memory.drop(content),
  };
}

/** Reads what is sent whole before it runs `use`. */
async function withWhole<T>(
  plan: EntryPlan,
  source: UploadSource,
  use: (ready: UploadSource) => Promise<T>,
): Promise<T> {
  if (!plan.isWhole) return use(source);
  const { sizeBytes } = source;
  const content = await source.read(0, sizeBytes);
  const read = async (offset: number, length: number) => content.subarray(offset, offset + length);
  try {
    const used = await use({ sizeBytes, read });
    source.giveBack?.(content);
    return used;
  } catch (error) {
    source.drop?.(content);
    throw error;
  }
}

async function refuseChanged(file: OpenFile, when: string): Promise<void> {
  // A change of ctime alone is looked into once, when the file is set aside.
  if (!sameContentIdentity(await file.currentIdentity(), file.identity)) throw changedFault(file.path, when);
}

/** Makes the proof by asking the store again. */
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
    hint: 'The file stays in the spool, and halfpipe uploads it again.',
    code: NOT_PROVEN,
  });
}

function changedFault(path: SpoolPath, when: string): Fault {
  return new Fault('changed', `${path} changed ${when}`, {
    operation: 'compare the file',
    subject: `${path}`,
  });
}

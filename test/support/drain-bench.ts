// A drain among ports that do what a test tells them: files in memory, a store that answers by script, a clock that
// stands still. It keeps books on what the drain must never get wrong: which entry was released, and what was removed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Breaker } from '../../src/drain/breaker.ts';
import type { DestinationOptions } from '../../src/drain/destination.ts';
import { Drain } from '../../src/drain/drain.ts';
import type { DrainEvent } from '../../src/drain/drain-event.ts';
import type { DrainOptions, StoredFile } from '../../src/drain/drain-ports.ts';
import type { OpenFile, Transferred } from '../../src/drain/transfer.ts';
import { type Entry, type FileIdentity, SpoolPath } from '../../src/spool/entry.ts';
import type { Writers } from '../../src/spool/open-writers.ts';
import { isProofOf } from '../../src/spool/proof.ts';
import type {
  JournaledUpload,
  LocalContent,
  ObjectStore,
  Receipt,
  Upload,
  UploadJournal,
  UploadRequest,
} from '../../src/store/object-store.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';
import { SimClock } from './sim-clock.ts';

export type Answer = (request: UploadRequest, content: Buffer) => Promise<Upload> | Upload;

/** What happened to an entry that was taken. */
export type Release = 'gone' | 'returned' | 'again' | number;

export function faultOf(
  faultClass: FaultClass,
  details: {
    readonly code?: string;
    readonly hint?: string;
    readonly retryAfterMs?: number;
    readonly isLocal?: boolean;
    readonly asksForFewer?: boolean;
  } = {},
): Fault {
  return new Fault(faultClass, `a ${faultClass} fault`, { operation: 'test', subject: 'file', ...details });
}

/** The store has it, and says so with the right digest. */
export const stores: Answer = ({ key }, content) => ({
  local: localContent(content),
  receipt: { key, etag: md5Of(content) },
  outcome: 'stored',
});

export function fails(fault: Error): Answer {
  return () => Promise.reject(fault);
}

/** Under way until `finish`, or until it is aborted. */
export class Slow {
  readonly #waiting: (() => void)[] = [];
  readonly answer: Answer = (request, content) =>
    new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
      this.#waiting.push(() => resolve(stores(request, content)));
    });

  finish(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** The drain's options, and how its files are cut. */
export interface BenchOptions extends DrainOptions {
  readonly prefix: string;
  readonly largestBytes: number;
  /** Files of this size and more are sent in parts. */
  readonly resumableFromBytes: number;
  /** What an upload of this size holds in memory. */
  readonly memoryFor: (sizeBytes: number) => number;
}

export class FakeStore implements ObjectStore {
  /** By key; a key without an answer of its own is stored. */
  readonly answers = new Map<string, Answer>();
  /** What confirm() says; undefined repeats the receipt of nothing. */
  confirmation: Partial<Receipt> = {};
  onProbe: (signal: AbortSignal) => Promise<void> = async () => undefined;
  readonly uploads: string[] = [];
  /** Keys of uploads that were given no journal. */
  readonly unjournaled: string[] = [];
  readonly abandoned: string[] = [];
  /** What is answered to an object of our own in a folder; by default every folder takes it. */
  onTrial: (folder: string, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Folders in which an object of our own was put. */
  readonly trials: string[] = [];
  probes = 0;
  closed = false;
  readonly #contents: ReadonlyMap<string, Buffer>;

  constructor(contents: ReadonlyMap<string, Buffer>) {
    this.#contents = contents;
  }

  async upload(request: UploadRequest): Promise<Upload> {
    this.uploads.push(request.key);
    if (request.journal === undefined) this.unjournaled.push(request.key);
    const content = this.#contents.get(request.key) ?? Buffer.alloc(0);
    return (this.answers.get(request.key) ?? stores)(request, content);
  }

  async confirm(key: string): Promise<Receipt> {
    return { key, ...this.confirmation };
  }

  probe(signal: AbortSignal): Promise<void> {
    this.probes += 1;
    return this.onProbe(signal);
  }

  trial(folder: Buffer, signal: AbortSignal): Promise<void> {
    this.trials.push(`${folder}`);
    return this.onTrial(`${folder}`, signal);
  }

  async abandon({ uploadId = '' }: JournaledUpload): Promise<undefined> {
    this.abandoned.push(uploadId);
  }

  close(): void {
    this.closed = true;
  }
}

export class DrainBench {
  readonly clock = new SimClock();
  readonly contents = new Map<string, Buffer>();
  readonly store = new FakeStore(this.contents);
  /** In the order of their happening. */
  readonly events: string[] = [];
  /** Every release, by path: an entry taken once must be here once. */
  readonly releases: { readonly path: string; readonly outcome: Release }[] = [];
  readonly removed: string[] = [];
  /** Files that the backlog was told to be more patient with. */
  readonly changed: string[] = [];
  /** Of which the backlog was told to keep the files back. */
  readonly heldFolders = new Set<string>();
  readonly quarantined: { readonly path: string; readonly reason: object }[] = [];
  /** Files of which it was told that they are at fault themselves. */
  readonly news: string[] = [];
  /** Why files were deferred, and what was told of those that were uploaded. */
  readonly faults: Fault[] = [];
  readonly transferred: (Transferred & { readonly tookMs: number })[] = [];
  /** How often the drain said that content was read. */
  reads = 0;
  /** How often the drain searched the backlog. */
  searches = 0;
  readonly openedFiles: string[] = [];
  readonly closedFiles: string[] = [];
  /** Files whose content was brought to the disk before any of it was read. */
  readonly synced: string[] = [];
  /** Steps of the spool that fail, by `step path`. */
  readonly spoolFaults = new Map<string, Error>();
  /** The identity the open file has after its upload, by path, or when it is read, by `read path`; else as before. */
  readonly identitiesAfter = new Map<string, Partial<FileIdentity>>();
  readonly options: BenchOptions = {
    prefix: '',
    retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 3 },
    concurrency: 4,
    maxConcurrency: 256,
    maxMemoryBytes: 1_000_000,
    memoryFor: (sizeBytes) => sizeBytes,
    resumableFromBytes: 1_000,
    largestBytes: 100_000,
  };
  /** What a file holds after its upload, by path, where that is not what was sent. */
  readonly rewritten = new Map<string, Buffer>();
  /** Whether the file is open for writing, by path; by default it is not. */
  readonly writers = new Map<string, Writers>();
  /** Called before the answer. */
  onAsked: (path: string) => void = () => undefined;
  /** No file can be opened or removed. */
  diskStandsStill = false;
  removalsStandStill = false;
  syncsStandStill = false;
  /** Why what was written in the moment of a removal cannot be brought back. */
  unsaved: Fault | undefined;
  /** Files that were recorded before their removal, and what recording them does. */
  readonly recorded: StoredFile[] = [];
  onRecord: (stored: StoredFile) => Promise<void> = async (stored) => void this.recorded.push(stored);
  manifestTrouble: Fault | undefined;
  /** So slow that one file is read ahead. */
  rateBytesPerSec = 1e9;
  /** Of all files, by the wall clock. */
  modifiedAtMs = 0;
  readonly drain: Drain;
  readonly #waiting: Entry[] = [];
  readonly #handedOut = new Set<string>();
  readonly #open = new Set<string>();
  #taken = 0;

  constructor(options: Partial<BenchOptions> = {}) {
    Object.assign(this.options, options);
    const note = (event: string) => void this.events.push(event);
    this.drain = new Drain(
      {
        clock: this.clock,
        random: () => 0,
        rateBytesPerSec: () => this.rateBytesPerSec,
        onRead: () => {
          this.reads += 1;
        },
        onStored: () => undefined,
        onRemoved: ({ path }) => note(`removed ${path}`),
        onEvent: (event) => this.#hear(event),
        backlog: {
          take: (accepts, place = 0) => {
            this.searches += 1;
            const { length } = this.#waiting;
            const behind = Math.floor(place * length);
            const order = this.#waiting.map((_, at) => (behind + at) % length);
            const at = order.find((index) => accepts(this.#waiting[index] as Entry));
            if (at === undefined) return undefined;
            this.#taken += 1;
            const [entry] = this.#waiting.splice(at, 1);
            if (entry !== undefined) this.#handedOut.add(`${entry.path}`);
            return entry;
          },
          changed: (path) => void this.changed.push(`${path}`),
          find: (accepts) => this.#waiting.find(accepts),
          hold: (folder) => void this.heldFolders.add(folder),
          free: (folder) => void this.heldFolders.delete(folder),
          heldFiles: () => 0,
          release: (path, outcome) => this.#release(`${path}`, outcome),
        },
        manifest: {
          isKept: true,
          record: (stored) => this.onRecord(stored),
          trouble: async () => this.manifestTrouble,
        },
        spool: {
          openFile: (path) => this.#openFile(path),
          setAside: async (file, known) => {
            const { path } = file;
            this.#step('setAside', path);
            const { ctimeNs } = await file.currentIdentity();
            if (ctimeNs !== known.identity.ctimeNs && !(await known.isUnchanged())) throw faultOf('changed');
            return {
              remove: async (proof, waitForRoom) => {
                this.#step('remove', path);
                if (!isProofOf(proof, known.identity)) throw new Error(`no proof for ${path}`);
                while (this.unsaved !== undefined) await waitForRoom(this.unsaved);
                if (this.diskStandsStill || this.removalsStandStill) await FOREVER;
                this.removed.push(`${path}`);
              },
            };
          },
          journal: () => NO_JOURNAL,
          quarantine: async (path, reason) => {
            this.#step('quarantine', path);
            this.quarantined.push({ path: `${path}`, reason });
          },
        },
      },
      this.#destinationOf(this.options, this.store),
      this.options,
    );
  }

  get breaker(): Breaker {
    return this.drain.destination.breaker;
  }

  /** New settings; what is not named stays as it was at first. */
  reconfigure(changed: Partial<BenchOptions>, store: ObjectStore = this.store): void {
    const options = { ...this.options, ...changed };
    this.drain.reconfigure(this.#destinationOf(options, store), options);
  }

  #destinationOf(options: BenchOptions, store: ObjectStore): DestinationOptions {
    const { prefix, largestBytes, resumableFromBytes, memoryFor } = options;
    const plan = (sizeBytes: number) => ({
      isWhole: sizeBytes < resumableFromBytes,
      partSizeBytes: resumableFromBytes,
      partCount: Math.ceil(sizeBytes / resumableFromBytes),
      partsAtOnce: 1,
      memoryBytes: memoryFor(sizeBytes),
    });
    return { store, bucket: 'bucket', prefix, probeMs: 1_000, parts: { largestBytes, plan } };
  }

  /** Files that may be sent at once. */
  set limit(limit: number) {
    this.drain.uploadLimit.configure({ concurrency: limit, maxConcurrency: 256 });
  }

  /** Puts a file into the backlog; the drain hears of it when it looks. */
  put(name: string, content: string | Buffer = `content of ${name}`, isPacket = false): void {
    this.contents.set(name, Buffer.from(content));
    this.#waiting.push({
      ...{ ...entryOf(name, Buffer.byteLength(content)), modifiedAtMs: this.modifiedAtMs },
      ...(isPacket && { isPacket, key: name }),
    });
  }

  /** A file that was released is found again. */
  putBack(name: string): void {
    this.#waiting.push(entryOf(name, this.contents.get(name)?.length ?? 0));
  }

  /** Puts these files into the backlog, and again whenever they were released, at their time. */
  async comeBack(names: readonly string[], seconds: number): Promise<void> {
    const due = new Map(names.map((name) => [name, 0]));
    for (let second = 0; second < seconds; second += 1) {
      for (const [name, dueAtMs] of due) {
        if (this.clock.monotonicMs() < dueAtMs) continue;
        due.delete(name);
        this.put(name);
      }
      const before = this.releases.length;
      await this.clock.advance(1_000);
      for (const { path, outcome } of this.releases.slice(before))
        if (outcome !== 'gone')
          due.set(path, this.clock.monotonicMs() + (typeof outcome === 'string' ? 0 : outcome));
    }
  }

  /** What the store answers about a file it has. */
  etagOf(name: string): string {
    return md5Of(this.contents.get(name) ?? Buffer.alloc(0));
  }

  /** Starts the drain and lets the first trial pass, so that all uploads may run. */
  async startClosed(): Promise<void> {
    this.breaker.succeed();
    this.drain.start();
    await this.settle();
  }

  /** A file is found again, as after its wait. */
  async tryAgain(name: string): Promise<void> {
    this.putBack(name);
    this.drain.pump();
    await this.settle();
  }

  /** A small file and one that can resume are being sent, and no answer comes until `slow` finishes. */
  static async sendingSlowly(): Promise<{ bench: DrainBench; slow: Slow }> {
    const [bench, slow] = [new DrainBench(), new Slow()];
    bench.put('small');
    bench.put('large', Buffer.alloc(1_000));
    for (const name of ['small', 'large']) bench.store.answers.set(name, slow.answer);
    await bench.startClosed();
    return { bench, slow };
  }

  /** Everything that needs no time happens. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  outcomesOf(name: string): Release[] {
    return this.releases.filter(({ path }) => path === name).map(({ outcome }) => outcome);
  }

  /** Entries taken and not released yet. */
  get held(): number {
    return this.#taken - this.releases.length;
  }

  /** The books of a drain that has nothing under way. */
  checkBooks(): void {
    assert.equal(this.held, 0, 'every entry taken is released');
    assert.deepEqual(this.closedFiles.toSorted(), this.openedFiles.toSorted(), 'every file opened is closed');
  }

  #hear(event: DrainEvent): void {
    const note = (text: string) => void this.events.push(text);
    switch (event.kind) {
      case 'uploaded':
        this.transferred.push({ ...event.transferred, tookMs: event.durationMs });
        return note(`uploaded ${event.entry.path}`);
      case 'deferred': {
        const { entry, fault, delayMs, isNews } = event;
        if (isNews) this.news.push(`${entry.path}`);
        this.faults.push(fault);
        return note(`deferred ${entry.path} ${fault.faultClass} ${delayMs}`);
      }
      case 'stillWritten':
      case 'quarantined':
        return note(`${event.kind} ${event.entry.path}`);
      case 'unsaved':
        return note(`unsaved ${event.path} ${event.fault.code}`);
      case 'folderHeld':
        return note(`held ${event.folder}`);
      case 'folderFreed':
        return note(`freed ${event.folder}`);
      case 'paused':
        return note(`paused ${event.fault.faultClass}`);
      default:
        return note(event.kind);
    }
  }

  #release(path: string, outcome: 'gone' | 'returned' | 'again' | { readonly deferForMs: number }): void {
    assert.ok(this.#handedOut.delete(path), `${path} is released once`);
    assert.ok(!this.#open.has(path), `${path} is released when its file is closed, not before`);
    this.releases.push({ path, outcome: typeof outcome === 'string' ? outcome : outcome.deferForMs });
  }

  async #openFile(path: SpoolPath): Promise<OpenFile> {
    this.#step('open', path);
    if (this.diskStandsStill) await FOREVER;
    this.openedFiles.push(`${path}`);
    this.#open.add(`${path}`);
    const content = this.contents.get(`${path}`) ?? Buffer.alloc(0);
    // What was found is another state of the file, which stays as it is now.
    const identity = {
      ...entryOf(`${path}`, content.length).identity,
      ...this.identitiesAfter.get(`found ${path}`),
    };
    return {
      path,
      identity,
      sizeBytes: content.length,
      sync: async () => {
        this.#step('sync', path);
        if (this.syncsStandStill) await FOREVER;
        this.synced.push(`${path}`);
      },
      read: async (offset, length, into = Buffer.alloc(length)) => {
        const now = this.store.uploads.includes(`${path}`) ? this.rewritten.get(`${path}`) : undefined;
        (now ?? content).copy(into, 0, offset, offset + length);
        return into;
      },
      writers: async () => {
        this.onAsked(`${path}`);
        return this.writers.get(`${path}`) ?? 'none';
      },
      currentIdentity: async () => {
        const when = this.store.uploads.includes(`${path}`) ? `${path}` : `read ${path}`;
        return { ...identity, ...this.identitiesAfter.get(when) };
      },
      close: async () => {
        // As long as a caller that does not wait for it would need to go on.
        for (let turns = 0; turns < 20; turns += 1) await undefined;
        this.#open.delete(`${path}`);
        this.closedFiles.push(`${path}`);
      },
    };
  }

  #step(step: string, path: SpoolPath): void {
    const fault = this.spoolFaults.get(`${step} ${path}`);
    if (fault !== undefined) throw fault;
  }
}

const FOREVER = new Promise<never>(() => undefined);

const NO_JOURNAL: UploadJournal = {
  load: async () => undefined,
  save: async () => undefined,
  clear: async () => undefined,
};

function entryOf(name: string, sizeBytes: number): Entry {
  const identity = { dev: 1n, ino: 1n, sizeBytes, mtimeNs: 1n, ctimeNs: 1n };
  return { path: SpoolPath.from(name), identity, modifiedAtMs: 0 };
}

export function localContent(content: Buffer): LocalContent {
  const sha256Hex = createHash('sha256').update(content).digest('hex');
  return {
    sizeBytes: content.length,
    parts: [{ md5Hex: md5Of(content), sha256Hex }],
    multipart: false,
  };
}

function md5Of(content: Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

// One life of the daemon in a simulated world: the real spool, backlog, drain and store code, put together as the
// daemon does it, on files and requests that may fail at any step, until it is stopped or crashes.
import type { RequestHandler } from '../../src/transport/http-request.ts';
import './sim-spool-files.ts';

import { Backlog } from '../../src/backlog/backlog.ts';
import { scanned } from '../../src/backlog/scanner.ts';
import type { WatcherEvents } from '../../src/backlog/watcher.ts';
import { Breaker } from '../../src/drain/breaker.ts';
import { Drain } from '../../src/drain/drain.ts';
import type { DrainPorts } from '../../src/drain/drain-ports.ts';
import { Sweep } from '../../src/drain/sweep.ts';
import { EmptyFolders } from '../../src/spool/empty-folders.ts';
import { LateLook } from '../../src/spool/late-look.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';

import { S3Store } from '../../src/store/s3/s3-store.ts';
import type { Clock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import { NO_PROXIES } from '../../src/system/proxies.ts';
import { readService } from '../../src/system/service.ts';
import { SimFiles, type SimSteps } from './sim-spool-files.ts';
import { SIM_PART_BYTES, simClient } from './sim-store-client.ts';
import type { Sender } from './sim-store-network.ts';
import type { SimWorld } from './sim-world.ts';

export const SETTLE_MS = 1_000;
const UPLOADS_AT_ONCE = 3;
/** Two of the small files are read ahead. */
const SIM_RATE_BYTES_PER_SEC = 2_000;
const STOP_TIMEOUT_MS = 3_000;
const FIRST_ANSWER_MS = 5_000;

export interface SimSettings {
  readonly conflict: 'keep-both' | 'skip' | 'overwrite';
  readonly settleMs: number;
  readonly order: 'oldest-first' | 'newest-first' | 'smallest-first' | 'name';
  readonly prunes: boolean;
  /** Whether the kernel tells of open writers. */
  readonly tellsWriters: boolean;
}

/** Exchanges a good part for a bad one, to see that it is found out. */
export interface Plant {
  readonly store?: (store: ObjectStore, spool: DrainPorts['spool']) => ObjectStore;
  readonly spool?: (spool: SpoolDirectory, world: SimWorld) => DrainPorts['spool'];
  /** Files and folders that are not synced though it is said that they were. */
  readonly skipsSync?: RegExp;
  /** What an older file of a name does to a newer one is nobody's concern. */
  readonly forgetsOrder?: boolean;
}

export class SimProcess implements Sender, SimSteps {
  dead = false;
  /** It is up, and has swept. */
  ready = false;
  readonly clock: Clock;
  readonly #world: SimWorld;
  readonly #files: SimFiles;
  readonly #stops: (() => unknown)[] = [];
  #watcher: WatcherEvents | undefined;
  #callsUnderWay = 0;
  drain: Drain | undefined;
  backlog: Backlog | undefined;

  constructor(world: SimWorld) {
    this.#world = world;
    this.clock = this.#ownClock();
    this.#files = new SimFiles(world.disk, this);
  }

  /** Rejects as the daemon would end with an error; never settles after a crash. */
  async start(): Promise<void> {
    const { settings, plant } = this.#world;
    const lateLook = new LateLook({ clock: this.clock, onLate: (path) => this.#world.late(path.toString()) });
    const told = this.#files.writers(() => this.#world.cannotTellWriters());
    const writers = settings.tellsWriters ? told : undefined;
    const newestStays = () => settings.conflict === 'overwrite' && plant.forgetsOrder !== true;
    const parts = { clock: this.clock, writers, lateLook, newestStays };
    const spool = await SpoolDirectory.open(this.#files.spoolPath, parts);
    this.#stops.push(() => spool.close());
    await spool.clearTemporaries();
    await spool.recoverAside();
    const { order, settleMs } = settings;
    const seen = plant.spool?.(spool, this.#world) ?? spool;
    const backlog = new Backlog({
      spool: scanned(spool),
      clock: this.clock,
      options: { order, ignore: ['.*', '*.tmp'], settleMs, rescanMs: 15_000 },
      limits: { entries: 3, deferred: 5 },
      onWork: () => drain.pump(),
      onReport: ({ kind }) => this.#world.note(`backlog ${kind}`),
      watch: (_path, events) => this.#watch(events),
    });
    const emptyFolders = new EmptyFolders({
      spool,
      clock: this.clock,
      quietMs: settleMs,
      onFault: () => this.#world.note('prune failed'),
    });
    const store = this.#createStore();
    const judged = plant.store?.(store, seen) ?? store;
    const drain = new Drain(this.#drainPorts(seen, backlog, emptyFolders), judged, {
      prefix: '',
      retry: { initialMs: 500, maxMs: 10_000, maxAttempts: 6 },
      concurrency: UPLOADS_AT_ONCE,
      maxConcurrency: UPLOADS_AT_ONCE,
      maxMemoryBytes: 20_000,
      memoryFor: (sizeBytes) => sizeBytes,
      resumableFromBytes: SIM_PART_BYTES + 1,
      largestBytes: Number.POSITIVE_INFINITY,
    });
    this.drain = drain;
    this.backlog = backlog;
    emptyFolders.start();
    this.#stops.push(() => emptyFolders.stop());
    backlog.start();
    this.#stops.push(() => backlog.stop());
    drain.start();
    this.#stops.push(() => drain.stop(STOP_TIMEOUT_MS));
    await Promise.race([drain.firstAnswer, this.clock.sleep(FIRST_ANSWER_MS)]);
    this.#sweep(spool, drain);
  }

  /** As on SIGTERM. */
  async stop(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) await stop();
    // A call that was given up closes what it opened once it returns.
    while (this.#callsUnderWay > 0) await this.clock.sleep(100);
    this.#world.stopped(this.#files.openDescriptors);
    this.end();
  }

  /** As by SIGKILL, between two instructions. */
  crash(): void {
    this.end();
    this.#world.crashed();
  }

  end(): void {
    this.dead = true;
    this.#files.end();
  }

  get idle(): boolean {
    return this.drain?.active === 0;
  }

  /** A watch event comes through. */
  hint(): void {
    this.#watcher?.onHint();
  }

  step(): boolean {
    if (this.dead) return false;
    if (!this.#world.isLastStep()) return true;
    this.crash();
    return false;
  }

  async take<T>(operation: string, subject: string, effect: () => T): Promise<T> {
    const world = this.#world;
    const never = () => new Promise<never>(() => undefined);
    if (!this.step()) return never();
    const waitMs = world.stepDelayMs();
    this.#callsUnderWay += 1;
    if (waitMs > 0) await this.clock.sleep(waitMs);
    this.#callsUnderWay -= 1;
    if (this.dead) return never();
    const result = this.takeNow(operation, subject, effect);
    return this.step() ? result : never();
  }

  takeNow<T>(operation: string, subject: string, effect: () => T): T {
    const world = this.#world;
    const error = world.diskFault(operation, subject);
    world.note(`${operation} ${subject} ${error?.code ?? ''}`);
    if (error !== undefined) throw error;
    const isSkipped = operation === 'fsync' && world.plant.skipsSync?.test(subject) === true;
    const result = isSkipped ? (undefined as T) : effect();
    world.touched(operation, subject);
    return result;
  }

  shortRead(bytes: number): number {
    return this.#world.shortRead(bytes);
  }

  #drainPorts(spool: DrainPorts['spool'], backlog: Backlog, emptyFolders: EmptyFolders): DrainPorts {
    const { random, settings } = this.#world;
    const note = (text: string) => this.#world.note(text);
    return {
      clock: this.clock,
      random: () => random.next(),
      spool,
      backlog,
      breaker: new Breaker(1_000),
      rateBytesPerSec: () => SIM_RATE_BYTES_PER_SEC,
      onRead: () => undefined,
      onRemoved: ({ path }) => {
        if (settings.prunes) emptyFolders.fileRemoved(path);
      },
      events: {
        onUploaded: ({ path }, { outcome }) => note(`uploaded ${path} ${outcome}`),
        onDeferred: ({ path }, { code, faultClass, message }, delayMs) =>
          note(`deferred ${path} ${faultClass} ${code} ${message} ${delayMs}`),
        onStillWritten: ({ path }) => note(`still written ${path}`),
        onQuarantined: ({ path }, { code, message }) => note(`quarantined ${path} ${code} ${message}`),
        onUnsaved: ({ path }, { code }) => note(`unsaved ${path} ${code}`),
        onFolderHeld: (folder, { code }) => note(`held ${folder} ${code}`),
        onFolderFreed: (folder) => note(`freed ${folder}`),
        onPaused: ({ code, message }) => note(`paused ${code} ${message}`),
        onResumed: () => note('resumed'),
        onSlowDown: () => note('slow down'),
      },
    };
  }

  #createStore(): S3Store {
    const never = () => Promise.reject(new Error('the network is simulated'));
    return new S3Store({
      bucket: 'bucket',
      prefix: '',
      region: undefined,
      endpoint: undefined,
      forcePathStyle: true,
      proxies: NO_PROXIES,
      service: readService({}),
      ...{ storageClass: undefined, serverSideEncryption: undefined, kmsKeyId: undefined },
      ...{ metadata: {}, tags: {} },
      conflict: this.#world.settings.conflict,
      partSizeBytes: SIM_PART_BYTES,
      leastPartBytes: SIM_PART_BYTES,
      partsAtOnce: 2,
      client: simClient(this.#world.network, this),
      requestHandler: { handle: never } as RequestHandler,
      clock: this.clock,
    });
  }

  #sweep(spool: SpoolDirectory, drain: Drain): void {
    const tell = (what: string) => {
      this.ready = true;
      this.#world.note(what);
    };
    const events = {
      onSwept: (uploads: number) => tell(`swept ${uploads}`),
      onFault: (operation: string, error: unknown) =>
        tell(`${operation} failed ${error instanceof Fault ? error.code : error}`),
    };
    const sweep = new Sweep({ spool, drain, clock: this.clock, events });
    this.#stops.push(() => sweep.stop());
    sweep.start();
  }

  #watch(events: WatcherEvents) {
    return {
      start: () => {
        this.#watcher = events;
        this.clock.schedule(5, () => events.onReady());
      },
      stop: async () => {
        if (this.#watcher === events) this.#watcher = undefined;
      },
    };
  }

  /** What was scheduled by a process that has ended does not happen. */
  #ownClock(): Clock {
    const { clock } = this.#world;
    const whileAlive = (act: () => void) => () => {
      if (!this.dead) act();
    };
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      schedule: (ms, callback) => clock.schedule(ms, whileAlive(callback)),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const onAbort = () => {
            cancel();
            reject(signal?.reason);
          };
          const cancel = clock.schedule(
            ms,
            whileAlive(() => {
              signal?.removeEventListener('abort', onAbort);
              resolve();
            }),
          );
          signal?.addEventListener('abort', onAbort, { once: true });
        }),
    };
  }
}

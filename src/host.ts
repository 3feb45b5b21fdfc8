// What the daemon needs from the machine it runs on. The simulation has its own host.
import { hostname } from 'node:os';
import type { BacklogBounds } from './backlog/backlog-bounds.ts';
import { walkByDepth } from './backlog/deep-walk.ts';
import type { WalkSpool } from './backlog/scanner.ts';
import type { WatcherFactory } from './backlog/watch-when-shallow.ts';
import type { Settings } from './config/settings.ts';
import type { HandedSocket, IngestOptions } from './ingest/ingest-options.ts';
import type { IngestWorker, IngestWorkerPorts } from './ingest/ingest-worker.ts';
import { lockManifest, type ManifestLock, type ManifestPlace } from './manifest/manifest-lock.ts';
import { syncsAtOnce } from './spool/content-sync.ts';
import { InstanceLock, type LockableSpool, type Serve } from './spool/instance-lock.ts';
import { OpenWriters, type WriterView } from './spool/open-writers.ts';
import { SpoolDirectory, type SpoolOptions } from './spool/spool-directory.ts';
import { ingestOptionsOf, sendingOptionsOf } from './stage-options.ts';
import { DigestWorker } from './store/digest-worker.ts';
import type { ObjectStore } from './store/object-store.ts';
import { S3Store, type S3StoreOptions } from './store/s3/s3-store.ts';
import { type Clock, systemClock } from './system/clock.ts';
import { Sender, type SenderPorts, type SendingOptions } from './thread/sender.ts';

/** A store that can read its credentials again. */
export interface Store extends ObjectStore {
  refreshCredentials(): void;
}

export interface Host {
  /** The name of the machine. */
  readonly name: string;
  readonly clock: Clock;
  /** Returns a number with 0 ≤ number < 1. */
  random(): number;
  /** `onChange`: see OpenWritersPorts. */
  openWriters(onChange: (problem: string | undefined) => void): WriterView & { stop(): void };
  openSpool(path: string, options: SpoolOptions): Promise<SpoolDirectory>;
  lockSpool(spool: LockableSpool, serve: Serve): Promise<Pick<InstanceLock, 'isOf' | 'release'>>;
  lockManifest(place: ManifestPlace, path: string): Promise<ManifestLock>;
  /** Rejects with a Fault that names what cannot be found out. */
  sendingOptions(settings: Settings): Promise<SendingOptions>;
  createSender(options: SendingOptions, ports: SenderPorts): PacedSender;
  createStore(options: S3StoreOptions): Store;
  /** Call it when no store uploads any more. */
  readonly stopDigests?: () => Promise<void>;
  /** Loads and starts the ingest thread. */
  startIngest(ports: IngestWorkerPorts): Promise<IngestWorker>;
  /** See ingestOptionsOf(). */
  ingestOptions(settings: Settings): IngestOptions | undefined;
  /** Without it: through the thread pool. */
  readonly walkSpool?: WalkSpool;
  /** Without it: chokidar on real directories. */
  readonly watch?: WatcherFactory;
  readonly backlogBounds?: BacklogBounds;
  /** See PartPlannerOptions. */
  readonly leastPartBytes?: number;
}

export type PacedSender = Pick<
  Sender,
  | 'allow'
  | 'createHandler'
  | 'identity'
  | 'pace'
  | 'progress'
  | 'reconfigure'
  | 'rest'
  | 'slowLine'
  | 'start'
  | 'stop'
  | 'waitingFor'
>;

/** This machine. `threads`: see syncsAtOnce(). `handedSocket`: see ingestOptionsOf(). */
export function thisHost(threads: string | undefined, handedSocket?: HandedSocket): Host {
  const clock = systemClock;
  const digests = new DigestWorker(clock);
  return {
    name: hostname(),
    clock,
    random: Math.random,
    openWriters: (onChange) => new OpenWriters({ clock, onChange }),
    openSpool: (path, options) => SpoolDirectory.open(path, { threads, ...options }),
    lockSpool: (spool, serve) => InstanceLock.acquire(spool, serve),
    lockManifest,
    sendingOptions: sendingOptionsOf,
    createSender: (options, ports) => new Sender(clock, options, ports),
    createStore: (options) => new S3Store({ ...options, digestOf: digests.digestOf }),
    stopDigests: () => digests.stop(),
    walkSpool: walkByDepth(clock),
    startIngest: async (ports) => new (await import('./ingest/ingest-worker.ts')).IngestWorker(ports),
    ingestOptions: (settings) => ingestOptionsOf(settings, syncsAtOnce(threads).ingest, handedSocket),
  };
}

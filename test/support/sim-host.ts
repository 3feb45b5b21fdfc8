// What a simulated daemon runs on: files of a simulated disk, a store behind a simulated network, a link that takes all
// it is given.

import type { WatcherFactory } from '../../src/backlog/watch-when-shallow.ts';
import type { WatcherEvents } from '../../src/backlog/watcher.ts';
import type { Host, PacedSender, Store } from '../../src/host.ts';
import type { LockableSpool } from '../../src/spool/instance-lock.ts';
import { NO_VIEW } from '../../src/spool/open-writers.ts';
import { SpoolDirectory, type SpoolOptions } from '../../src/spool/spool-directory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { S3Store, type S3StoreOptions } from '../../src/store/s3/s3-store.ts';
import { NO_PROXIES } from '../../src/system/proxies.ts';
import type { SenderPorts, SendingOptions } from '../../src/thread/sender.ts';
import type { RequestHandler } from '../../src/transport/http-request.ts';
import type { SimFiles } from './sim-spool-files.ts';
import { SIM_PART_BYTES, simClient } from './sim-store-client.ts';
import type { SimWorld } from './sim-world.ts';
import type { SimProcess } from './sim-world-process.ts';

/** Two of the small files are read ahead. */
const SIM_RATE_BYTES_PER_SEC = 2_000;

const PACE = {
  limits: { targetBytesPerSec: SIM_RATE_BYTES_PER_SEC, floorBytesPerSec: 0 },
  rates: { totalBytesPerSec: 0, ownBytesPerSec: 0, crossBytesPerSec: 0 },
  budgetBytesPerSec: SIM_RATE_BYTES_PER_SEC,
  ...{ floorEngaged: false, degraded: false },
};

export class SimHost implements Host {
  readonly name = 'sim';
  readonly backlogBounds = { indexed: 3, deferred: 5 };
  readonly leastPartBytes = SIM_PART_BYTES;
  readonly #world: SimWorld;
  readonly #process: SimProcess;
  readonly #files: SimFiles;
  #spool: SpoolDirectory | undefined;
  #watcher: WatcherEvents | undefined;

  constructor(world: SimWorld, process: SimProcess, files: SimFiles) {
    this.#world = world;
    this.#process = process;
    this.#files = files;
  }

  /** Once openSpool() has resolved. */
  get spool(): SpoolDirectory {
    if (this.#spool === undefined) throw new Error('the spool is not open');
    return this.#spool;
  }

  get clock() {
    return this.#process.clock;
  }

  random(): number {
    return this.#world.random.next();
  }

  openWriters() {
    const told = this.#files.writers(() => this.#world.cannotTellWriters());
    const stop = () => undefined;
    return this.#world.settings.tellsWriters ? { ...told, stop } : { ...NO_VIEW, stop };
  }

  async openSpool(path: string, options: SpoolOptions): Promise<SpoolDirectory> {
    const { plant } = this.#world;
    const forgetful = plant.forgetsOrder === true ? { newestStays: () => false } : {};
    const spool = await SpoolDirectory.open(path, { ...options, ...forgetful });
    this.#spool = instead(spool, plant.spool?.(spool, this.#world) ?? {});
    return this.#spool;
  }

  /** The kernel's own lock is not simulated: the world has one process at a time, and holds it to that. */
  async lockSpool(spool: LockableSpool) {
    this.#world.locked(this.#process);
    await spool.clearTemporaries();
    return { isOf: async () => true, release: async () => this.#world.released(this.#process) };
  }

  /** As lockSpool. */
  async lockManifest() {
    return { release: async () => undefined };
  }

  async sendingOptions(): Promise<SendingOptions> {
    return {
      uplink: { interface: 'sim0', capacity: 'auto', endpoint: { host: 'store.test', port: 443 } },
      allowance: { share: 0.5, floor: { share: 0.01 } },
      sampleIntervalMs: 50,
      wayOut: { proxies: NO_PROXIES, trustedCertificates: undefined },
    };
  }

  createSender(_: SendingOptions, { onLink }: SenderPorts): PacedSender {
    const never = () => Promise.reject(new Error('the network is simulated'));
    return {
      start: async () => onLink(),
      stop: () => undefined,
      reconfigure: async () => undefined,
      allow: () => undefined,
      rest: () => undefined,
      progress: () => [],
      createHandler: () => ({ handle: never }) as RequestHandler,
      pace: PACE,
      ...{ identity: undefined, slowLine: undefined, waitingFor: undefined },
    };
  }

  createStore(options: S3StoreOptions): Store {
    const client = simClient(this.#world.network, this.#process);
    const store = new S3Store({ ...options, client });
    const judged: ObjectStore = this.#world.plant.store?.(store, this.spool) ?? store;
    return instead(store, judged === store ? {} : judged);
  }

  startIngest(): Promise<never> {
    return Promise.reject(new Error('a simulated daemon has no other threads'));
  }

  ingestOptions(): undefined {
    return undefined;
  }

  readonly watch: WatcherFactory = (_path, events) => ({
    start: () => {
      this.#watcher = events;
      this.clock.schedule(5, () => events.onReady());
    },
    stop: async () => {
      if (this.#watcher === events) this.#watcher = undefined;
    },
  });

  /** A watch event comes through. */
  hint(): void {
    this.#watcher?.onHint();
  }

  /** The process has ended, and the kernel forgets its lock. */
  end(): void {
    this.#world.released(this.#process);
  }
}

/** `whole`, but for the methods that `others` has. */
function instead<T extends object>(whole: T, others: object): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const owner = Reflect.has(others, name) ? others : target;
      const value: unknown = Reflect.get(owner, name);
      return typeof value === 'function' ? value.bind(owner) : value;
    },
  });
}

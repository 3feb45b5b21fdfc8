// Where files go: one store, the keys in it, how files are cut for it, and whether it works.
import type { Entry } from '../spool/entry.ts';
import { keyFor } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { PartPlan, Parts } from '../store/part-plan.ts';
import type { Clock } from '../system/clock.ts';
import { Breaker } from './breaker.ts';
import { StoreTrial } from './store-trial.ts';

export interface DestinationOptions {
  readonly store: ObjectStore;
  /** The store's bucket, for the manifest. */
  readonly bucket: string;
  /** The text in front of every key. */
  readonly prefix: string;
  readonly parts: Parts;
  /** The first wait between two trials of a store that does not work, in milliseconds. */
  readonly probeMs: number;
}

export interface EntryPlan extends PartPlan {
  readonly isPacket?: boolean;
  /** See UploadRequest. */
  readonly wholeBytes?: number;
}

/** A packet in parts would need several requests. */
const PACKET_WHOLE_BYTES = 20 * 1024 ** 2;

/** One destination. New options replace all old ones; uploads in flight keep theirs. */
export class Destination {
  /** Whether files may be sent there now. */
  readonly breaker: Breaker;
  /** Asks the store with objects of our own. */
  readonly trial: StoreTrial;
  readonly #clock: Clock;
  #options: DestinationOptions;

  constructor(clock: Clock, options: DestinationOptions) {
    this.#clock = clock;
    this.#options = options;
    this.breaker = new Breaker(options.probeMs);
    this.trial = new StoreTrial(clock, options.store);
  }

  get store(): ObjectStore {
    return this.#options.store;
  }

  get bucket(): string {
    return this.#options.bucket;
  }

  get parts(): Parts {
    return this.#options.parts;
  }

  /** How an entry is uploaded. */
  planOf({ identity: { sizeBytes }, isPacket }: Entry): EntryPlan {
    if (isPacket === undefined) return this.parts.plan(sizeBytes);
    const wholeBytes = PACKET_WHOLE_BYTES;
    return { ...this.parts.plan(sizeBytes, wholeBytes), isPacket, wholeBytes };
  }

  /** The key for an entry. Throws Fault `file` when the name cannot be a key. */
  keyOf({ path, key }: Entry): string {
    return key ?? keyFor(path.bytes, this.#options.prefix);
  }

  /** See Breaker. */
  allows(): 'all' | 'trial' | 'none' {
    return this.breaker.allows(this.#clock.monotonicMs());
  }

  /** Ends the wait of a pause, because something changed. */
  retryNow(): void {
    this.breaker.retryNow(this.#clock.monotonicMs());
  }

  /** Applies to new uploads. Returns true if these go to another store or prefix. */
  reconfigure(options: DestinationOptions): boolean {
    const { store, prefix } = this.#options;
    this.#options = options;
    this.breaker.setProbeInterval(options.probeMs);
    this.trial.setStore(options.store);
    this.retryNow();
    return store !== options.store || prefix !== options.prefix;
  }
}

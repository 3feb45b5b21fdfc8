// Delays senders until the token bucket admits their next slice. Requests take turns, first come, first served: one goes
// on with its slices until its turn is over, so that requests end one after the other and their answers do not arrive
// in waves; none starves. On a slow link a turn takes long: those who wait in the middle of their request get a slice
// now and then, so that no server takes them for dead.
import type { Clock } from '../system/clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** While senders wait, a late timer is made up for at once by at most this much of the rate; the governor's debt makes
 * up for longer stalls, slowly. */
const BURST_MS = 20;
/** A queue empty for longer than this is idle, and idle time earns nothing: 50 % × (100 + 5) ms stays well below 60 %. */
const IDLE_GRACE_MS = 5;
/** After so long with nobody the control loop may be slow, and is woken. */
const WAKE_AFTER_MS = 500;
/** A slice is about this long at the present rate: 50 of them make a window of 100 ms … */
const SLICE_MS = 2;
/** … but no less than fits into one TCP segment on Ethernet together with a TLS record's 29 bytes; the headers of
 * smaller ones weigh too much … */
const MIN_SLICE_BYTES = 1_400;
/** … and no more than leaves a link in a moment: 0.3 ms at 1 Gbit/s. */
const MAX_SLICE_BYTES = 32_768;

/** How long a request may go on before others have their turn: small files go whole, parts of large ones by pieces … */
const TURN_MS = 100;
/** … that are not too small on a slow link, where files would else all end at the very end. 8 s at 256 kbit/s. */
const MIN_TURN_BYTES = 262_144;
/** A request is not silent for longer than this, as far as the rate allows: S3 drops a connection after about 20 s. */
const KEEP_ALIVE_MS = 5_000;

interface Waiter {
  readonly bytes: number;
  readonly sinceMs: number;
  readonly request: AbortSignal | undefined;
  /** In the order of turns: lower ones go first. */
  readonly place: number;
  readonly admit: () => void;
}

interface Turn {
  place: number;
  bytes: number;
}

/** What happened at the shaper since it was last asked. */
export interface ShaperActivity {
  /** Bytes handed out to be sent. */
  readonly admittedBytes: number;
  /** Time with nobody in the queue. */
  readonly idleMs: number;
  /** How long the one who has been waiting longest has been waiting now. */
  readonly longestWaitMs: number;
  readonly waiting: number;
}

export class Shaper {
  /** Called when somebody asks for bytes after a time with nobody. */
  onWake: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #waiters = new Set<Waiter>();
  /** Of each request that has begun, told by its signal. */
  readonly #turns = new WeakMap<AbortSignal, Turn>();
  #lastPlace = 0;
  #cancelTimer: (() => void) | undefined;
  #emptySinceMs: number | undefined;
  #idleCountedToMs: number;
  #idleMs = 0;
  #admittedBytes = 0;

  constructor(clock: Clock, rateBytesPerSec: number) {
    this.#clock = clock;
    const nowMs = clock.monotonicMs();
    this.#bucket = new TokenBucket(bucketRate(rateBytesPerSec), nowMs);
    this.#emptySinceMs = nowMs;
    this.#idleCountedToMs = nowMs;
  }

  /** Takes effect for the bytes already waiting, too. */
  setRate(rateBytesPerSec: number): void {
    this.#bucket.setRate(bucketRate(rateBytesPerSec), this.#clock.monotonicMs());
    this.#serve();
  }

  /** How much to send in one write at the present rate. */
  sliceBytes(): number {
    return sliceBytesAt(this.#bucket.rateBytesPerSec);
  }

  /**
   * Resolves when `bytes` may be sent; send them at once. Rejects with `signal.reason` when aborted first,
   * and then nothing is charged. Slices that come with the same signal are of one request.
   */
  admit(bytes: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const nowMs = this.#clock.monotonicMs();
      const wakes = this.#endIdle(nowMs);
      const leave = (): void => {
        this.#waiters.delete(waiter);
        this.#beginIdle();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        bytes,
        sinceMs: nowMs,
        request: signal,
        place: this.#placeOf(signal),
        admit: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiters.add(waiter);
      if (wakes) this.onWake?.();
      if (this.#waiters.size === 1) this.#serve();
    });
  }

  /** Saved up for those who wait, and as good as sent; 0 when nobody waits. */
  get savedBytes(): number {
    return this.#waiters.size === 0 ? 0 : this.#bucket.savedBytes(this.#clock.monotonicMs());
  }

  /** What happened since the last call. */
  activity(): ShaperActivity {
    const nowMs = this.#clock.monotonicMs();
    this.#countIdle(nowMs);
    const [longest] = this.#waiters;
    const activity = {
      admittedBytes: this.#admittedBytes,
      idleMs: this.#idleMs,
      longestWaitMs: longest === undefined ? 0 : nowMs - longest.sinceMs,
      waiting: this.#waiters.size,
    };
    this.#admittedBytes = 0;
    this.#idleMs = 0;
    return activity;
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let waiter = this.#next(nowMs); waiter !== undefined; waiter = this.#next(nowMs)) {
      if (!this.#bucket.take(waiter.bytes, nowMs)) {
        this.#cancelTimer = this.#clock.schedule(Math.ceil(this.#bucket.waitMs(waiter.bytes, nowMs)), () =>
          this.#serve(),
        );
        return;
      }
      this.#waiters.delete(waiter);
      this.#admittedBytes += waiter.bytes;
      this.#countTurn(waiter);
      waiter.admit();
    }
    this.#beginIdle();
  }

  #next(nowMs: number): Waiter | undefined {
    let next: Waiter | undefined;
    // In the order of their coming.
    for (const waiter of this.#waiters) {
      if (nowMs - waiter.sinceMs >= KEEP_ALIVE_MS && this.#hasBegun(waiter)) return waiter;
      if (next === undefined || waiter.place < next.place) next = waiter;
    }
    return next;
  }

  #hasBegun({ request }: Waiter): boolean {
    return request !== undefined && this.#turns.has(request);
  }

  #countTurn({ request, bytes, place }: Waiter): void {
    if (request === undefined) return;
    const turn = this.#turns.get(request);
    if (turn === undefined) this.#turns.set(request, { place, bytes });
    else turn.bytes += bytes;
  }

  /** A request keeps its place until its turn is over, and goes to the end then. */
  #placeOf(request: AbortSignal | undefined): number {
    const turn = request && this.#turns.get(request);
    const wholeTurnBytes = Math.max(MIN_TURN_BYTES, (this.#bucket.rateBytesPerSec * TURN_MS) / 1000);
    if (turn !== undefined && turn.bytes < wholeTurnBytes) return turn.place;
    this.#lastPlace += 1;
    if (turn !== undefined) Object.assign(turn, { place: this.#lastPlace, bytes: 0 });
    return this.#lastPlace;
  }

  #beginIdle(): void {
    if (this.#waiters.size > 0 || this.#emptySinceMs !== undefined) return;
    this.#emptySinceMs = this.#clock.monotonicMs();
    this.#idleCountedToMs = this.#emptySinceMs;
  }

  #countIdle(nowMs: number): void {
    if (this.#emptySinceMs === undefined) return;
    this.#idleMs += nowMs - this.#idleCountedToMs;
    this.#idleCountedToMs = nowMs;
  }

  /** True after a time so long that what the meter last saw is old. */
  #endIdle(nowMs: number): boolean {
    if (this.#emptySinceMs === undefined) return false;
    this.#countIdle(nowMs);
    const emptyMs = nowMs - this.#emptySinceMs;
    this.#emptySinceMs = undefined;
    if (emptyMs > IDLE_GRACE_MS) this.#bucket.skipIdle(IDLE_GRACE_MS, nowMs);
    return emptyMs > WAKE_AFTER_MS;
  }
}

function sliceBytesAt(rateBytesPerSec: number): number {
  const bytes = Math.round((rateBytesPerSec * SLICE_MS) / 1000);
  return Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, bytes));
}

function bucketRate(rateBytesPerSec: number) {
  const burstBytes = Math.max((rateBytesPerSec * BURST_MS) / 1000, sliceBytesAt(rateBytesPerSec));
  return { rateBytesPerSec, burstBytes };
}

// Which request sends next. Requests take turns, first come, first served: one goes on with its slices until its turn is
// over, so that requests end one after the other and their answers do not arrive in waves; none starves. A long request
// does not begin beside another long one, as long as the link is kept busy without it. On a slow link a turn takes long:
// a request that waits in its middle gets a slice now and then, so that no server takes it for dead, and no more requests
// begin than can be kept alive so. Deterministic: time is an argument.

export interface Waiter {
  readonly bytes: number;
  /** What the request has still to send, `bytes` included. */
  readonly leftBytes: number;
  readonly sinceMs: number;
  readonly request: AbortSignal | undefined;
  /** In the order of turns: lower ones go first. */
  readonly place: number;
  readonly admit: () => void;
}

/** A request that has begun. */
interface Turn {
  place: number;
  bytes: number;
  readonly isLong: boolean;
  /** Stops listening to the request's signal; undefined when the request has no more to send. */
  unlisten: (() => void) | undefined;
}

/** How long a request may go on before others have their turn: small files go whole, parts of large ones by pieces … */
const TURN_MS = 100;
/** … that are not too small on a slow link, where files would else all end at the very end. 8 s at 256 kbit/s. */
const MIN_TURN_BYTES = 262_144;
/** A request is not silent in its middle for longer than this, as far as the rate allows. S3 drops a connection after
 * about 20 s; Apache's mod_reqtimeout wants 500 bytes a second, and 1,400 bytes every 2.5 s are 560. */
const KEEP_ALIVE_MS = 2_500;
/** No request begins while those in their middle would get less than this each: twice what Apache wants … */
const LEAST_EACH_BYTES_PER_SEC = 1_000;
/** … but a short one may always begin beside a long one, which may take hours. */
const ALWAYS_AT_ONCE = 2;

export class Turns {
  /** In the order of their coming. */
  readonly #waiters = new Set<Waiter>();
  /** Of each request that has begun, told by its signal. */
  readonly #turns = new WeakMap<AbortSignal, Turn>();
  /** Of these, the requests that have more to send. */
  readonly #unfinished = new Set<Turn>();
  #unfinishedLong = 0;
  readonly #onRoom: () => void;
  #lastPlace = 0;

  /** `onRoom` is called when a request was broken off: another may begin in its stead. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** The request is over when its signal aborts; slices without a signal are requests of one slice. */
  join(slice: Omit<Waiter, 'place'>, rateBytesPerSec: number): Waiter {
    const waiter = { ...slice, place: this.#placeOf(slice.request, rateBytesPerSec) };
    this.#waiters.add(waiter);
    return waiter;
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Its slice is admitted. True when its request begins with it. */
  admit(waiter: Waiter, rateBytesPerSec: number): boolean {
    this.#waiters.delete(waiter);
    const { request, bytes, leftBytes } = waiter;
    if (request === undefined) return false;
    const before = this.#turns.get(request);
    const turn = before ?? this.#begin(request, waiter, rateBytesPerSec);
    turn.bytes += bytes;
    if (leftBytes <= bytes) this.#finish(turn);
    return before === undefined;
  }

  /** Undefined when none waits, or none of them may begin now; without `hasRoom` only those that have begun may go on. */
  next(nowMs: number, rateBytesPerSec: number, hasRoom: boolean): Waiter | undefined {
    const mostAtOnce = Math.max(ALWAYS_AT_ONCE, rateBytesPerSec / LEAST_EACH_BYTES_PER_SEC);
    const mayBegin = hasRoom && this.#unfinished.size < mostAtOnce;
    const longMayBegin = mayBegin && this.#unfinishedLong === 0;
    const wholeTurn = wholeTurnBytes(rateBytesPerSec);
    let next: Waiter | undefined;
    let otherwise: Waiter | undefined;
    for (const waiter of this.#waiters) {
      const hasBegun = this.#hasBegun(waiter);
      if (hasBegun && nowMs - waiter.sinceMs >= KEEP_ALIVE_MS) return waiter;
      const may = waiter.leftBytes > wholeTurn ? longMayBegin : mayBegin;
      if (hasBegun || may) next = lower(next, waiter);
      else if (mayBegin) otherwise = lower(otherwise, waiter);
    }
    // Rather a second long one than tokens that nobody takes.
    return next ?? otherwise;
  }

  /**
   * How long the one that has waited longest has waited. The next request to begin does not count: one should always
   * wait for that.
   */
  longestWaitMs(nowMs: number): number {
    let isNext = true;
    for (const waiter of this.#waiters) {
      if (!isNext || this.#hasBegun(waiter)) return nowMs - waiter.sinceMs;
      isNext = false;
    }
    return 0;
  }

  /** Whether a request waits to begin. */
  get isBeginning(): boolean {
    for (const waiter of this.#waiters) if (!this.#hasBegun(waiter)) return true;
    return false;
  }

  #hasBegun({ request }: Waiter): boolean {
    return request !== undefined && this.#turns.has(request);
  }

  /** A request keeps its place until its turn is over, and goes to the end then. */
  #placeOf(request: AbortSignal | undefined, rateBytesPerSec: number): number {
    const turn = request && this.#turns.get(request);
    if (turn !== undefined && turn.bytes < wholeTurnBytes(rateBytesPerSec)) return turn.place;
    this.#lastPlace += 1;
    if (turn !== undefined) Object.assign(turn, { place: this.#lastPlace, bytes: 0 });
    return this.#lastPlace;
  }

  #begin(request: AbortSignal, { place, bytes, leftBytes }: Waiter, rateBytesPerSec: number): Turn {
    const isLong = leftBytes > wholeTurnBytes(rateBytesPerSec);
    const turn: Turn = { place, bytes: 0, isLong, unlisten: undefined };
    this.#turns.set(request, turn);
    if (leftBytes <= bytes) return turn;
    const onOver = () => {
      this.#finish(turn);
      this.#onRoom();
    };
    request.addEventListener('abort', onOver, { once: true });
    turn.unlisten = () => request.removeEventListener('abort', onOver);
    this.#unfinished.add(turn);
    if (isLong) this.#unfinishedLong += 1;
    return turn;
  }

  #finish(turn: Turn): void {
    turn.unlisten?.();
    turn.unlisten = undefined;
    if (this.#unfinished.delete(turn) && turn.isLong) this.#unfinishedLong -= 1;
  }
}

function wholeTurnBytes(rateBytesPerSec: number): number {
  return Math.max(MIN_TURN_BYTES, (rateBytesPerSec * TURN_MS) / 1000);
}

function lower(one: Waiter | undefined, other: Waiter): Waiter {
  return one !== undefined && one.place < other.place ? one : other;
}

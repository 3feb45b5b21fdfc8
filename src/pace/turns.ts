// Which request sends next. Requests take turns, first come, first served: one goes on with its
// slices until its turn is over, so that requests end one after the other and their answers do not
// arrive in waves; none starves. Long requests have their turns together: the one that began first
// sends, and the others only what it leaves. A long request does not begin beside another long one,
// as long as the link is kept busy without it. On a slow link a turn takes long: a request that
// waits in its middle gets a slice now and then, so that no server takes it for dead, and no more
// requests begin than can be kept alive so. Deterministic: time is an argument.

export interface Waiter {
  readonly bytes: number;
  /** What the request has still to send, `bytes` included. */
  readonly leftBytes: number;
  readonly sinceMs: number;
  readonly request: AbortSignal | undefined;
  readonly admit: () => void;
  /** In the order of coming. */
  readonly arrival: number;
  /** Undefined when the request has not begun. */
  readonly begun: Begun | undefined;
}

/** Whose slices go before others', until it is over. */
interface Turn {
  /** Lower ones go first. */
  place: number;
  /** Sent since the turn came. */
  bytes: number;
}

/** A request that has begun. */
interface Begun {
  /** All long requests have one together. */
  readonly turn: Turn;
  readonly isLong: boolean;
  /** In the order of beginning. */
  readonly order: number;
  /** Stops listening to the request's signal; undefined when the request has no more to send. */
  unlisten: (() => void) | undefined;
}

/**
 * How long a request may go on before others have their turn: small files go whole, parts of large
 * ones by pieces …
 */
const TURN_MS = 100;
/**
 * … that are not too small on a slow link, where files would else all end at the very end. 8 s at
 * 256 kbit/s.
 */
const MIN_TURN_BYTES = 262_144;
/**
 * A request is not silent in its middle for longer than this, as far as the rate allows. S3 drops a
 * connection after about 20 s; Apache's mod_reqtimeout wants 500 bytes a second, and 1,400 bytes
 * every 2.5 s are 560.
 */
const KEEP_ALIVE_MS = 2_500;
/**
 * No request begins while those in their middle would get less than this each: twice what Apache
 * wants …
 */
const LEAST_EACH_BYTES_PER_SEC = 1_000;
/** … but a short one may always begin beside a long one, which may take hours. */
const ALWAYS_AT_ONCE = 2;

/**
 * A second long request begins when tokens went unused for so much of the time that it will take:
 * the first may only be opening its connection, and two that share a slow link both end late. 3 s
 * for 8 MiB at 200 kbit/s.
 */
const UNUSED_SHARE = 0.01;

export class Turns {
  /** In the order of their coming. */
  readonly #waiters = new Set<Waiter>();
  /** Told by their signals. */
  readonly #begun = new WeakMap<AbortSignal, Begun>();
  /** Those that have more to send. */
  readonly #unfinished = new Set<Begun>();
  readonly #longTurn: Turn = { place: 0, bytes: 0 };
  #unfinishedLong = 0;
  /** How long tokens went unused since the last long request began, up to … */
  #unusedMs = 0;
  /** … when that began again. */
  #unusedSinceMs: number | undefined;
  readonly #onRoom: () => void;
  #lastPlace = 0;

  /** `onRoom` is called when a request was broken off: another may begin in its stead. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * The request is over when its signal aborts; slices without a signal are requests of one slice.
   */
  join(slice: Omit<Waiter, 'arrival' | 'begun'>): Waiter {
    this.#lastPlace += 1;
    const begun = slice.request && this.#begun.get(slice.request);
    const waiter = { ...slice, arrival: this.#lastPlace, begun };
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
    const before = this.#begun.get(request);
    const begun = before ?? this.#begin(request, waiter, rateBytesPerSec);
    this.#useTurn(begun.turn, bytes, rateBytesPerSec);
    if (leftBytes <= bytes) this.#finish(begun);
    return before === undefined;
  }

  /**
   * Undefined when none waits, or none of them may be sent now. Without `hasRoom` only those go on
   * that have begun, and of the long ones the first.
   */
  next(nowMs: number, rateBytesPerSec: number, hasRoom: boolean): Waiter | undefined {
    const mostAtOnce = Math.max(ALWAYS_AT_ONCE, rateBytesPerSec / LEAST_EACH_BYTES_PER_SEC);
    const mayBegin = hasRoom && this.#unfinished.size < mostAtOnce;
    const longMayBegin = mayBegin && this.#unfinishedLong === 0;
    const wholeTurn = wholeTurnBytes(rateBytesPerSec);
    const onlyLong = hasRoom ? undefined : this.#firstLong;
    let next: Waiter | undefined;
    let otherwise: Waiter | undefined;
    for (const waiter of this.#waiters) {
      const { begun } = waiter;
      if (begun && nowMs - waiter.sinceMs >= KEEP_ALIVE_MS) return this.#used(waiter, nowMs);
      const mayGoOn = begun && (onlyLong === undefined || !begun.isLong || begun === onlyLong);
      const may = waiter.leftBytes > wholeTurn ? longMayBegin : mayBegin;
      if (mayGoOn || (!begun && may)) next = first(next, waiter);
      else if (!begun && mayBegin) otherwise = first(otherwise, waiter);
    }
    // Rather a second long one than tokens that go unused.
    return next === undefined ? otherwise : this.#used(next, nowMs);
  }

  /**
   * How much longer the tokens that are there now should rather go unused than let this one begin;
   * 0 for most.
   */
  unusedMsBefore(waiter: Waiter, nowMs: number, rateBytesPerSec: number): number {
    const { begun, leftBytes } = waiter;
    const isLong = leftBytes > wholeTurnBytes(rateBytesPerSec);
    if (begun !== undefined || !isLong || this.#unfinishedLong === 0) return 0;
    this.#unusedSinceMs ??= nowMs;
    const unusedMs = this.#unusedMs + nowMs - this.#unusedSinceMs;
    return Math.max(0, (UNUSED_SHARE * leftBytes * 1000) / rateBytesPerSec - unusedMs);
  }

  /**
   * How long the one that has waited longest has waited. The next request to begin does not count:
   * one should always wait for that.
   */
  longestWaitMs(nowMs: number): number {
    let isNext = true;
    for (const waiter of this.#waiters) {
      if (!isNext || waiter.begun !== undefined) return nowMs - waiter.sinceMs;
      isNext = false;
    }
    return 0;
  }

  get #firstLong(): Begun | undefined {
    if (this.#unfinishedLong > 0) for (const begun of this.#unfinished) if (begun.isLong) return begun;
    return undefined;
  }

  /** Whether a request waits to begin. */
  get isBeginning(): boolean {
    for (const { begun } of this.#waiters) if (begun === undefined) return true;
    return false;
  }

  /** This one takes the tokens. */
  #used(waiter: Waiter, nowMs: number): Waiter {
    if (this.#unusedSinceMs !== undefined) this.#unusedMs += nowMs - this.#unusedSinceMs;
    this.#unusedSinceMs = undefined;
    return waiter;
  }

  /** It keeps its place until it is over, and goes to the end then. */
  #useTurn(turn: Turn, bytes: number, rateBytesPerSec: number): void {
    turn.bytes += bytes;
    if (turn.bytes < wholeTurnBytes(rateBytesPerSec)) return;
    this.#lastPlace += 1;
    Object.assign(turn, { place: this.#lastPlace, bytes: 0 });
  }

  #begin(request: AbortSignal, { arrival, bytes, leftBytes }: Waiter, rateBytesPerSec: number): Begun {
    const isLong = leftBytes > wholeTurnBytes(rateBytesPerSec);
    if (isLong && this.#unfinishedLong === 0) Object.assign(this.#longTurn, { place: arrival, bytes: 0 });
    if (isLong) [this.#unusedMs, this.#unusedSinceMs] = [0, undefined];
    const turn = isLong ? this.#longTurn : { place: arrival, bytes: 0 };
    this.#lastPlace += 1;
    const begun: Begun = { turn, isLong, order: this.#lastPlace, unlisten: undefined };
    this.#begun.set(request, begun);
    if (leftBytes <= bytes) return begun;
    const onOver = () => {
      this.#finish(begun);
      this.#onRoom();
    };
    request.addEventListener('abort', onOver, { once: true });
    begun.unlisten = () => request.removeEventListener('abort', onOver);
    this.#unfinished.add(begun);
    if (isLong) this.#unfinishedLong += 1;
    return begun;
  }

  #finish(begun: Begun): void {
    begun.unlisten?.();
    begun.unlisten = undefined;
    if (this.#unfinished.delete(begun) && begun.isLong) this.#unfinishedLong -= 1;
  }
}

function wholeTurnBytes(rateBytesPerSec: number): number {
  return Math.max(MIN_TURN_BYTES, (rateBytesPerSec * TURN_MS) / 1000);
}

function placeOf({ begun, arrival }: Waiter): number {
  return begun?.turn.place ?? arrival;
}

/** Which has its turn first: of two in the same turn, the one that began first. */
function first(one: Waiter | undefined, other: Waiter): Waiter {
  if (one === undefined) return other;
  const later = placeOf(one) - placeOf(other) || (one.begun?.order ?? 0) - (other.begun?.order ?? 0);
  return later > 0 ? other : one;
}

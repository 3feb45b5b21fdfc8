// Decides which request sends next.

/**
 * One request, which asks for one slice at a time. It is its own place in the queue, so that a
 * slice makes no garbage.
 */
export abstract class QueuedRequest {
  /** The slice that it asks for. */
  bytes = 0;
  /** What the request still has to send, including `bytes`. */
  leftBytes = 0;
  sinceMs = 0;
  /** Counts up in the order of arrival. */
  arrival = 0;
  /** Undefined if the request has not begun. */
  begun: Begun | undefined;

  /** Called when the slice may be sent. Send it at once, and ask for no other within the call. */
  abstract admitted(): void;
}

/** The slices of a turn go before others until the turn is over. */
interface Turn {
  /** A lower place goes first. */
  place: number;
  /** Bytes sent since the turn began. */
  bytes: number;
}

/** A request that has begun. */
interface Begun {
  /** All long requests share one turn. */
  readonly turn: Turn;
  readonly isLong: boolean;
  /** Counts up in the order of beginning. */
  readonly order: number;
}

/** How long a turn lasts. Small files are sent whole within it, parts of large files in pieces. */
const TURN_MS = 100;
/**
 * A turn is at least this large on a slow link, where all files would otherwise end at the very
 * end. 8 s at 256 kbit/s.
 */
const TURN_BYTES_MIN = 262_144;
/**
 * A request that has begun is not silent for longer than this, if the rate allows. S3 drops a
 * connection after about 20 s. Apache's mod_reqtimeout requires 500 bytes a second, and 1,400 bytes
 * every 2.5 s are 560.
 */
const KEEP_ALIVE_MS = 2_500;
/**
 * No request begins if those that have begun would each get less than this: twice what Apache
 * requires.
 */
const EACH_BYTES_PER_SEC_MIN = 1_000;
/** A short request may always begin beside a long one, which may take hours. */
const ALWAYS_AT_ONCE = 2;

/**
 * A second long request begins when tokens were unused for this part of the time that it will take.
 * The first one may only be opening its connection, and two that share a slow link both end late. 3
 * s for 8 MiB at 200 kbit/s.
 */
const UNUSED_SHARE = 0.01;

/**
 * Requests take turns, first come, first served. A request continues with its slices until its turn
 * is over, so that requests end one after another and their answers do not arrive in waves. Every
 * request gets its turn.
 * Long requests share a turn: the one that began first sends, and the others only what it leaves. A
 * long request does not begin beside another long one while the link is busy without it. On a slow
 * link a turn takes long. So a request that waits after its beginning gets a slice now and then, so
 * that the server does not time it out, and no more requests begin than can be kept alive in this
 * way.
 * Deterministic: time is an argument, of the monotonic clock.
 */
export class Turns {
  /** In the order of arrival. */
  readonly #waiters = new Set<QueuedRequest>();
  /** Requests that have more to send. */
  readonly #unfinished = new Set<Begun>();
  readonly #longTurn: Turn = { place: 0, bytes: 0 };
  #unfinishedLong = 0;
  /**
   * How long tokens were unused since the last long request began, without the time since
   * `#unusedSinceMs`.
   */
  #unusedMs = 0;
  /** Since when tokens are unused; undefined while they are used. */
  #unusedSinceMs: number | undefined;
  readonly #onRoom: () => void;
  #lastPlace = 0;

  /** `onRoom` is called when a request ended early, so that another may begin. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** What the waiting requests still have to send. */
  get leftBytes(): number {
    let leftBytes = 0;
    for (const waiter of this.#waiters) leftBytes += waiter.leftBytes;
    return leftBytes;
  }

  /** The request waits with its next slice. */
  join(request: QueuedRequest): void {
    this.#lastPlace += 1;
    request.arrival = this.#lastPlace;
    this.#waiters.add(request);
  }

  /** The request is over, in whichever way. */
  leave(request: QueuedRequest): void {
    this.#waiters.delete(request);
    if (request.begun !== undefined && this.#finish(request.begun)) this.#onRoom();
  }

  /** The slice is admitted. */
  admit(request: QueuedRequest, rateBytesPerSec: number): void {
    this.#waiters.delete(request);
    const { bytes, leftBytes } = request;
    request.begun ??= this.#begin(request, rateBytesPerSec);
    this.#useTurn(request.begun.turn, bytes, rateBytesPerSec);
    if (leftBytes <= bytes) this.#finish(request.begun);
  }

  /**
   * Returns the slice to send next; undefined if none waits or none may be sent now. Without
   * `hasRoom`, only requests that have begun continue, and only the first of the long ones.
   */
  next(nowMs: number, rateBytesPerSec: number, hasRoom: boolean): QueuedRequest | undefined {
    const mostAtOnce = Math.max(ALWAYS_AT_ONCE, rateBytesPerSec / EACH_BYTES_PER_SEC_MIN);
    const mayBegin = hasRoom && this.#unfinished.size < mostAtOnce;
    const longMayBegin = mayBegin && this.#unfinishedLong === 0;
    const wholeTurn = wholeTurnBytes(rateBytesPerSec);
    const onlyLong = hasRoom ? undefined : this.#firstLong;
    let next: QueuedRequest | undefined;
    let otherwise: QueuedRequest | undefined;
    for (const waiter of this.#waiters) {
      const { begun } = waiter;
      if (begun && nowMs - waiter.sinceMs >= KEEP_ALIVE_MS) return this.#used(waiter, nowMs);
      const mayGoOn = begun && (onlyLong === undefined || !begun.isLong || begun === onlyLong);
      const may = waiter.leftBytes > wholeTurn ? longMayBegin : mayBegin;
      if (mayGoOn || (!begun && may)) next = first(next, waiter);
      else if (!begun && mayBegin) otherwise = first(otherwise, waiter);
    }
    // A second long request is better than unused tokens.
    return next === undefined ? otherwise : this.#used(next, nowMs);
  }

  /**
   * How much longer the present tokens should stay unused before this request begins; 0 for most.
   */
  unusedMsBefore(waiter: QueuedRequest, nowMs: number, rateBytesPerSec: number): number {
    const { begun, leftBytes } = waiter;
    const isLong = leftBytes > wholeTurnBytes(rateBytesPerSec);
    if (begun !== undefined || !isLong || this.#unfinishedLong === 0) return 0;
    this.#unusedSinceMs ??= nowMs;
    const unusedMs = this.#unusedMs + nowMs - this.#unusedSinceMs;
    return Math.max(0, (UNUSED_SHARE * leftBytes * 1000) / rateBytesPerSec - unusedMs);
  }

  /**
   * How long the slice that has waited longest has waited. The next request to begin does not
   * count, because one should always be waiting.
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

  /** True if a request waits to begin. */
  get isBeginning(): boolean {
    for (const { begun } of this.#waiters) if (begun === undefined) return true;
    return false;
  }

  /** This slice takes the tokens, so they are not unused any more. */
  #used(waiter: QueuedRequest, nowMs: number): QueuedRequest {
    if (this.#unusedSinceMs !== undefined) this.#unusedMs += nowMs - this.#unusedSinceMs;
    this.#unusedSinceMs = undefined;
    return waiter;
  }

  /** A turn keeps its place until it is over, and then goes to the end. */
  #useTurn(turn: Turn, bytes: number, rateBytesPerSec: number): void {
    turn.bytes += bytes;
    if (turn.bytes < wholeTurnBytes(rateBytesPerSec)) return;
    this.#lastPlace += 1;
    Object.assign(turn, { place: this.#lastPlace, bytes: 0 });
  }

  #begin({ arrival, bytes, leftBytes }: QueuedRequest, rateBytesPerSec: number): Begun {
    const isLong = leftBytes > wholeTurnBytes(rateBytesPerSec);
    if (isLong && this.#unfinishedLong === 0) Object.assign(this.#longTurn, { place: arrival, bytes: 0 });
    if (isLong) [this.#unusedMs, this.#unusedSinceMs] = [0, undefined];
    const turn = isLong ? this.#longTurn : { place: arrival, bytes: 0 };
    this.#lastPlace += 1;
    const begun: Begun = { turn, isLong, order: this.#lastPlace };
    if (leftBytes <= bytes) return begun;
    this.#unfinished.add(begun);
    if (isLong) this.#unfinishedLong += 1;
    return begun;
  }

  /** Returns false if the request had no more to send. */
  #finish(begun: Begun): boolean {
    const wasUnfinished = this.#unfinished.delete(begun);
    if (wasUnfinished && begun.isLong) this.#unfinishedLong -= 1;
    return wasUnfinished;
  }
}

function wholeTurnBytes(rateBytesPerSec: number): number {
  return Math.max(TURN_BYTES_MIN, (rateBytesPerSec * TURN_MS) / 1000);
}

function placeOf({ begun, arrival }: QueuedRequest): number {
  return begun?.turn.place ?? arrival;
}

/** The slice that goes first. Within one turn, the request that began first. */
function first(one: QueuedRequest | undefined, other: QueuedRequest): QueuedRequest {
  if (one === undefined) return other;
  const later = placeOf(one) - placeOf(other) || (one.begun?.order ?? 0) - (other.begun?.order ?? 0);
  return later > 0 ? other : one;
}

// The two time-outs of one request.
import type { Clock } from '../system/clock.ts';

export interface RequestTimeouts {
  /**
   * The longest time a request may take, without the time its bytes wait for the link or travel on
   * it.
   */
  readonly deadlineMs: number;
  /** The longest silence on the connection, in either direction, without the wait for a turn. */
  readonly idleTimeoutMs: number;
}

export interface HandlerOptions extends RequestTimeouts {
  readonly connectTimeoutMs: number;
  /**
   * At least the number of concurrent uploads times the parts in flight of each, because waiting
   * for a socket counts as silence.
   */
  readonly maxSockets: number;
}

export interface WatchOptions extends RequestTimeouts {
  /** Called while the connection shows signs of life, at least once in each `idleTimeoutMs`. */
  readonly onAlive?: () => void;
}

/** What the connection has carried of this request so far. Any change is a sign of life. */
export interface Carried {
  /** Bytes that have arrived at the other side, as far as can be known. */
  deliveredBytes(): number;
  answeredBytes(): number;
}

/**
 * An overall deadline, which stops while the request waits for its turn and while its bytes arrive,
 * and a limit on the silence of its connection. They cover what the HTTP handler's own time-outs do
 * not: waiting for a pooled socket, name look-up, TLS, and a server that never answers. Monotonic
 * clock.
 */
export class RequestWatch {
  readonly #clock: Clock;
  readonly #options: WatchOptions;
  readonly #expire: (error: Error) => void;
  #carried: Carried = { deliveredBytes: () => 0, answeredBytes: () => 0 };
  #lastDelivered = 0;
  #lastAnswered = 0;
  #aliveAtMs = 0;
  /** The deadline has not been extended for the time since then. */
  #countedFromMs = 0;
  #endAtMs = 0;
  #waitingSinceMs: number | undefined;
  #cancel: (() => void) | undefined;

  /** `expire` is called at most once, with an error that is named `TimeoutError` like the SDK's. */
  constructor(clock: Clock, options: WatchOptions, expire: (error: Error) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#expire = expire;
  }

  start(): void {
    this.#aliveAtMs = this.#countedFromMs = this.#clock.monotonicMs();
    this.#endAtMs = this.#aliveAtMs + this.#options.deadlineMs;
    this.#arm();
  }

  /** Tells where to look for signs of life. Call it once there is a connection. */
  observe(carried: Carried): void {
    this.#carried = carried;
    this.#lastDelivered = carried.deliveredBytes();
    this.#lastAnswered = carried.answeredBytes();
    this.#aliveAtMs = this.#clock.monotonicMs();
  }

  /** The bytes now wait for their turn. Neither limit runs until resume(). */
  pause(): void {
    this.#waitingSinceMs ??= this.#clock.monotonicMs();
  }

  resume(): void {
    if (this.#waitingSinceMs === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    this.#endAtMs += nowMs - this.#waitingSinceMs;
    this.#aliveAtMs = this.#countedFromMs = nowMs;
    this.#waitingSinceMs = undefined;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    const nowMs = this.#clock.monotonicMs();
    const dueAtMs = Math.min(this.#endAtMs, this.#aliveAtMs + this.#options.idleTimeoutMs) - nowMs;
    this.#cancel = this.#clock.schedule(Math.max(1, Math.ceil(dueAtMs)), () => this.#check());
  }

  #check(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    const isWaiting = this.#waitingSinceMs !== undefined;
    const [delivered, answered] = [this.#carried.deliveredBytes(), this.#carried.answeredBytes()];
    const isDelivering = delivered !== this.#lastDelivered;
    const isAlive = isDelivering || answered !== this.#lastAnswered;
    if (isAlive) this.#options.onAlive?.();
    if (isAlive || isWaiting) this.#aliveAtMs = nowMs;
    if (isDelivering && !isWaiting) this.#endAtMs += nowMs - this.#countedFromMs;
    this.#countedFromMs = nowMs;
    this.#lastDelivered = delivered;
    this.#lastAnswered = answered;
    const pausedMs = this.#waitingSinceMs === undefined ? 0 : nowMs - this.#waitingSinceMs;
    if (nowMs >= this.#endAtMs + pausedMs) {
      this.#expire(timeoutError('ERR_REQUEST_DEADLINE', `took longer than ${this.#options.deadlineMs} ms`));
    } else if (nowMs >= this.#aliveAtMs + this.#options.idleTimeoutMs) {
      this.#expire(timeoutError('ERR_REQUEST_IDLE', `was silent for ${this.#options.idleTimeoutMs} ms`));
    } else {
      this.#arm();
    }
  }
}

function timeoutError(code: string, what: string): Error {
  return Object.assign(new Error(`the request ${what}`), { name: 'TimeoutError', code });
}

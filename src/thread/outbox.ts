// The messages of one turn of the event loop, or of a few milliseconds, sent together.
import type { Clock } from '../system/clock.ts';

/**
 * Messages keep their order. Each postMessage wakes the other thread, and that costs both threads
 * more than what is in the message: 5 µs and more.
 */
export class Outbox<Message> {
  readonly #clock: Clock;
  readonly #post: (messages: readonly Message[], moved: readonly ArrayBuffer[]) => void;
  #messages: Message[] = [];
  #moved: ArrayBuffer[] = [];
  readonly #flush = () => this.flush();
  #isAtTurnsEnd = false;
  #cancelTimer: (() => void) | undefined;

  /** `post` gets the messages at the end of the turn, or when the first one loses patience. */
  constructor(clock: Clock, post: (messages: readonly Message[], moved: readonly ArrayBuffer[]) => void) {
    this.#clock = clock;
    this.#post = post;
  }

  /**
   * The memory of `moved` cannot be used afterwards. The message may wait for others for
   * `patienceMs`.
   */
  put(message: Message, moved?: ArrayBuffer, patienceMs = 0): void {
    this.#messages.push(message);
    if (moved !== undefined) this.#moved.push(moved);
    if (this.#isAtTurnsEnd) return;
    if (patienceMs >= 1) {
      this.#cancelTimer ??= this.#clock.schedule(patienceMs, this.#flush);
      return;
    }
    this.#isAtTurnsEnd = true;
    setImmediate(this.#flush);
  }

  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isAtTurnsEnd = false;
    if (this.#messages.length === 0) return;
    const [messages, moved] = [this.#messages, this.#moved];
    this.#messages = [];
    this.#moved = [];
    this.#post(messages, moved);
  }
}

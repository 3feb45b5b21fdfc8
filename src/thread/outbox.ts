// The messages of one turn of the event loop, sent together.

/**
 * Messages keep their order. Each postMessage wakes the other thread, and that costs both threads
 * more than what is in the message: 5 µs and more.
 */
export class Outbox<Message> {
  readonly #post: (messages: readonly Message[], moved: readonly ArrayBuffer[]) => void;
  #messages: Message[] = [];
  #moved: ArrayBuffer[] = [];
  readonly #flush = () => this.flush();

  /** `post` gets the messages at the end of the turn. */
  constructor(post: (messages: readonly Message[], moved: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** The memory of `moved` cannot be used afterwards. */
  put(message: Message, moved?: ArrayBuffer): void {
    if (this.#messages.length === 0) setImmediate(this.#flush);
    this.#messages.push(message);
    if (moved !== undefined) this.#moved.push(moved);
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const [messages, moved] = [this.#messages, this.#moved];
    this.#messages = [];
    this.#moved = [];
    this.#post(messages, moved);
  }
}

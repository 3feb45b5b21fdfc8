// The keys that a user presses on a terminal, one at a time and without Enter.
import type { ReadStream } from 'node:tty';

/** Ctrl-C and Ctrl-D arrive as characters, because the terminal is in raw mode. */
export const CTRL_C = '\x03';
export const CTRL_D = '\x04';

/**
 * Reads keys from start() to stop(). Invariant: after stop(), the terminal is as it was before
 * start().
 */
export class Keyboard {
  readonly #stdin: ReadStream;
  readonly #onKey: (key: string) => void;
  readonly #hear = (data: Buffer) => {
    // A key such as an arrow arrives as several characters that begin with ESC.
    const text = data.toString('latin1');
    if (text.startsWith('\x1b')) return;
    for (const key of text) this.#onKey(key);
  };
  readonly #onExit = () => this.stop();
  #isReading = false;

  constructor(stdin: ReadStream, onKey: (key: string) => void) {
    this.#stdin = stdin;
    this.#onKey = onKey;
  }

  /** Does nothing if the input is not a terminal. */
  start(): void {
    if (this.#stdin.isTTY !== true) return;
    this.#isReading = true;
    this.#stdin.setRawMode(true);
    this.#stdin.on('data', this.#hear);
    this.#stdin.resume();
    process.once('exit', this.#onExit);
  }

  /** True between start() and stop() on a terminal. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** May be called again. */
  stop(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    process.off('exit', this.#onExit);
    this.#stdin.off('data', this.#hear);
    this.#stdin.pause();
    this.#stdin.setRawMode(false);
  }
}

// Draws a block of lines at the bottom of a terminal.
import type { WriteStream } from 'node:tty';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/**
 * Synchronized output (DEC private mode 2026). Terminals that support it show a frame at once;
 * others ignore it.
 */
const BEGIN_FRAME = '\x1b[?2026h';
const END_FRAME = '\x1b[?2026l';
const ERASE_REST_OF_LINE = '\x1b[K';
const ERASE_BELOW = '\x1b[J';
const CLEAR_SCREEN = '\x1b[2J\x1b[H';

/**
 * Rewrites the block in place; text printed meanwhile scrolls above it. Invariant: after stop(),
 * the cursor is visible and below the block, whatever happened in between.
 */
export class LiveScreen {
  readonly #terminal: WriteStream;
  readonly #onResize = () => this.#startAfresh();
  readonly #onExit = () => this.stop();
  #lines: readonly string[] = [];
  #running = false;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  /**
   * The width of a block: one column less than the terminal, because some terminals wrap at the
   * last one.
   */
  get columns(): number {
    return Math.max(1, this.#terminal.columns - 1);
  }

  /** The most lines of a block. The cursor needs the last one. */
  get rows(): number {
    return Math.max(1, this.#terminal.rows - 1);
  }

  start(): void {
    this.#running = true;
    this.#terminal.write(HIDE_CURSOR);
    this.#terminal.on('resize', this.#onResize);
    process.once('exit', this.#onExit);
  }

  /** Replaces the block. Lines that do not fit into the terminal are cut at its lower end. */
  paint(text: string): void {
    if (!this.#running) return;
    const lines = text.split('\n').slice(0, this.rows);
    this.#write(this.#rewind() + lines.map((line) => `${line}${ERASE_REST_OF_LINE}\n`).join(''));
    this.#lines = lines;
  }

  /** Prints permanent text above the block. */
  print(text: string): void {
    const block = this.#lines.map((line) => `${line}${ERASE_REST_OF_LINE}\n`).join('');
    const kept = text.split('\n').map((line) => `${line}${ERASE_REST_OF_LINE}\n`);
    this.#write(this.#rewind() + kept.join('') + block);
  }

  /** Removes the block and gives the terminal back. May be called again. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#terminal.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
    this.#write(this.#rewind() + SHOW_CURSOR);
    this.#lines = [];
  }

  #rewind(): string {
    return this.#lines.length === 0 ? '' : `\x1b[${this.#lines.length}A\r`;
  }

  #write(text: string): void {
    this.#terminal.write(`${BEGIN_FRAME}${text}${ERASE_BELOW}${END_FRAME}`);
  }

  /** A narrower terminal wraps the old block, so its place cannot be calculated any more. */
  #startAfresh(): void {
    this.#terminal.write(CLEAR_SCREEN);
    this.#lines = [];
  }
}

/** True if lines on this terminal can be drawn again in place. */
export function canRepaint(terminal: WriteStream, env: NodeJS.ProcessEnv): boolean {
  return terminal.isTTY === true && env.TERM !== 'dumb';
}

/**
 * True if colours are wanted: on a terminal, without NO_COLOR (no-color.org) and not on a dumb one.
 */
export function wantsColor(terminal: WriteStream, env: NodeJS.ProcessEnv): boolean {
  return canRepaint(terminal, env) && !env.NO_COLOR;
}

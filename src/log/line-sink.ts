// Between the log and stdout. Uploads must not wait for the reader of the log, so a reader that is
// slow costs lines, never memory or time, and a reader that is gone costs nothing at all.
import { atMost } from '../system/at-most.ts';
import type { Clock } from '../system/clock.ts';

/** Lines not yet taken by the reader; about 3,000 records. */
const MAX_PENDING_BYTES = 1024 * 1024;
const FLUSH_TIMEOUT_MS = 1000;

/**
 * What the sink needs of `process.stdout`, which on Linux never blocks on pipes and sockets, but
 * buffers without bound.
 */
export interface LogStream {
  readonly fd?: number;
  readonly isTTY?: boolean;
  readonly writableLength: number;
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export class LineSink {
  readonly #stdout: LogStream;
  readonly #clock: Clock;
  readonly #lostNotice: (lines: number) => string;
  #lostLines = 0;
  #open = false;

  /** `lostNotice` renders the line that tells how many lines the reader missed. */
  constructor(stdout: LogStream, clock: Clock, lostNotice: (lines: number) => string) {
    this.#stdout = stdout;
    this.#clock = clock;
    this.#lostNotice = lostNotice;
  }

  /**
   * From here on stdout's errors are taken care of: the first one (EPIPE, ENOSPC) ends the log, not
   * the process.
   */
  start(): void {
    this.#stdout.on('error', () => {
      this.#open = false;
    });
    this.#open = true;
  }

  /**
   * Hands over one line (without line feed), or drops and counts it while the reader is too far
   * behind.
   */
  write(line: string): void {
    if (!this.#open) return;
    // Resume only at half: otherwise every other line of a storm would be a notice.
    const room = this.#lostLines === 0 ? MAX_PENDING_BYTES : MAX_PENDING_BYTES / 2;
    if (this.#stdout.writableLength > room) {
      this.#lostLines += 1;
      return;
    }
    this.#tellLost();
    this.#stdout.write(`${line}\n`);
  }

  /** Resolves when the reader has everything, or is gone, or after a second. */
  async flush(): Promise<void> {
    if (!this.#open) return;
    this.#tellLost();
    const written = new Promise<void>((resolve) => this.#stdout.write('', () => resolve()));
    await atMost(FLUSH_TIMEOUT_MS, written, this.#clock);
  }

  #tellLost(): void {
    if (this.#lostLines === 0) return;
    this.#stdout.write(`${this.#lostNotice(this.#lostLines)}\n`);
    this.#lostLines = 0;
  }
}

// Writes log lines to stdout, in batches.
import { atMost } from '../system/at-most.ts';
import type { Clock } from '../system/clock.ts';

/** Bytes that the reader has not taken yet; about 3,000 records. */
const PENDING_BYTES_MAX = 1024 * 1024;
/** A batch of this size is written before the turn ends. */
const BATCH_CHARS = 64 * 1024;
const FLUSH_TIMEOUT_MS = 1000;

/**
 * The part of `process.stdout` that the sink needs. On Linux, `process.stdout` never blocks on
 * pipes and sockets, but buffers without a limit.
 */
export interface LogStream {
  readonly fd?: number;
  readonly isTTY?: boolean;
  readonly writableLength: number;
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface LineSinkPorts {
  /** Calls back once, when this turn of the event loop is over. */
  readonly atTurnsEnd: (callback: () => void) => void;
  /** Renders the line that says how many lines were lost. */
  readonly lostNotice: (lines: number) => string;
}

/**
 * Uploads must not wait for the reader of the log. So a slow reader costs lines, never memory or
 * time, and a reader that is gone costs nothing. write() never waits and never throws.
 */
export class LineSink {
  readonly #stdout: LogStream;
  readonly #clock: Clock;
  readonly #ports: LineSinkPorts;
  /** Lines that are not written yet. */
  #batch = '';
  #lostLines = 0;
  #open = false;

  constructor(stdout: LogStream, clock: Clock, ports: LineSinkPorts) {
    this.#stdout = stdout;
    this.#clock = clock;
    this.#ports = ports;
  }

  /**
   * Handles stdout's errors from now on. The first one (EPIPE, ENOSPC) ends the log, not the
   * process.
   */
  start(): void {
    this.#stdout.on('error', () => {
      this.#open = false;
    });
    this.#open = true;
  }

  /**
   * Writes one line (without a line feed): an urgent one now, with all before it, and others at the
   * end of the turn, because a write costs more than a line. While the reader is too far behind,
   * the line is dropped and counted.
   */
  write(line: string, isUrgent: boolean): void {
    if (!this.#open) return;
    // Resumes only when the buffer is half empty; otherwise every other line of a storm would be a
    // notice.
    const room = this.#lostLines === 0 ? PENDING_BYTES_MAX : PENDING_BYTES_MAX / 2;
    if (this.#stdout.writableLength > room) {
      this.#lostLines += 1;
      return;
    }
    const isFirst = this.#batch === '';
    this.#tellLost();
    this.#batch += `${line}\n`;
    if (isUrgent || this.#batch.length > BATCH_CHARS) this.writeBatch();
    else if (isFirst) this.#ports.atTurnsEnd(() => this.writeBatch());
  }

  /** Writes what waits for the end of the turn. Call it when the process exits. */
  writeBatch(): void {
    const batch = this.#batch;
    this.#batch = '';
    if (batch !== '' && this.#open) this.#stdout.write(batch);
  }

  /** Resolves when the reader has taken everything or is gone, and after a second at the latest. */
  async flush(): Promise<void> {
    if (!this.#open) return;
    this.#tellLost();
    this.writeBatch();
    const written = new Promise<void>((resolve) => this.#stdout.write('', () => resolve()));
    await atMost(FLUSH_TIMEOUT_MS, written, this.#clock);
  }

  #tellLost(): void {
    if (this.#lostLines === 0) return;
    this.#batch += `${this.#ports.lostNotice(this.#lostLines)}\n`;
    this.#lostLines = 0;
  }
}

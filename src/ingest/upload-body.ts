// The bytes of one upload, read when the disk has taken those before them, so that little of an
// upload is in memory however fast its client sends.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../system/clock.ts';
import { ClientPace, type PaceDemand } from './client-pace.ts';
import { Refusal } from './refusal.ts';
import { unfinishedRefusal } from './unreadable-request.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly demand: PaceDemand;
  /** Aborted when no more of the content can be read. The reason is the parser's error. */
  readonly broken: AbortSignal;
}

const WAKING = ['readable', 'end', 'error', 'close'] as const;

/** Read it by next() until that resolves with undefined, then or on failure stop(). */
export class UploadBody {
  readonly #request: IncomingMessage;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #pace: ClientPace;
  readonly #broken: AbortSignal;
  #receivedBytes = 0;
  #wake: () => void = () => undefined;
  readonly #onNews = () => this.#wake();

  constructor(request: IncomingMessage, clock: Clock, { maxBytes, demand, broken }: BodyLimits) {
    this.#request = request;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#pace = new ClientPace(demand);
    this.#broken = broken;
    broken.addEventListener('abort', this.#onNews);
    for (const name of WAKING) request.on(name, this.#onNews);
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /**
   * Resolves with the next bytes, or with undefined at the end. Rejects with a Refusal when there
   * are too many, when they come too slowly, or when the connection ends before them.
   */
  async next(): Promise<Buffer | undefined> {
    for (let waitedMs = 0; ; ) {
      const chunk: Buffer | null = this.#request.read();
      if (chunk === null && this.#request.readableEnded) return undefined;
      if (chunk === null && (this.#request.destroyed || this.#broken.aborted))
        throw unfinishedRefusal(this.#broken.reason, this.#receivedBytes);
      if (this.#pace.isSlow(waitedMs, chunk?.byteLength ?? 0)) throw tooSlow();
      if (chunk !== null) return this.#counted(chunk);
      waitedMs = await this.#news();
    }
  }

  /** The request can be read by others from now on. */
  stop(): void {
    for (const name of WAKING) this.#request.off(name, this.#onNews);
    this.#broken.removeEventListener('abort', this.#onNews);
  }

  #counted(chunk: Buffer): Buffer {
    this.#receivedBytes += chunk.byteLength;
    if (this.#receivedBytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
    return chunk;
  }

  /** Resolves when something has come, or when it is time to judge; with how long that took. */
  async #news(): Promise<number> {
    const sinceMs = this.#clock.monotonicMs();
    let cancel: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      cancel = this.#clock.schedule(this.#pace.remainingMs, resolve);
    });
    cancel();
    return this.#clock.monotonicMs() - sinceMs;
  }
}

function tooSlow(): Refusal {
  return new Refusal(
    'too-slow',
    'The content comes too slowly: send the file again when the network is faster',
  );
}

export function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    'too-large',
    `A file may have at most ${maxBytes} bytes: send smaller files, or ask the operator to raise ingest.maxFileSize`,
  );
}

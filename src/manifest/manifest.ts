// Keeps a line for every file that was stored, durable before the file is removed. Lines of files
// that end at about the same time are synced together.
import { isDeepStrictEqual } from 'node:util';
import type { DrainManifest, StoredFile } from '../drain/drain-ports.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import type { Prepared } from '../system/prepared.ts';
import type { ManifestEvent } from './manifest-event.ts';
import { manifestFault } from './manifest-fault.ts';
import { renderLine } from './manifest-line.ts';
import { type Lock, type ManifestOptions, OpenManifest } from './open-manifest.ts';

export interface ManifestPorts {
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly lock: Lock;
  readonly onEvent: (event: ManifestEvent) => void;
}

/** Lines that are written and synced at once. Each has some 400 bytes, and at most 40 KB. */
const BATCH_LINES_MAX = 4_096;
/** A block of most file systems: enough to see whether the disk is full. */
const TRIED_BYTES = 4_096;

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

/**
 * The file is opened when it is first needed, and again after every failure. Without options,
 * nothing is kept. One thing is done at a time. Faults are of the class `breaker`.
 */
export class Manifest implements DrainManifest {
  readonly #ports: ManifestPorts;
  #options: ManifestOptions | undefined;
  #open: OpenManifest | undefined;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: ManifestPorts, options: ManifestOptions | undefined) {
    this.#ports = ports;
    this.#options = options;
  }

  /** False if the options name no file: then record() resolves at once. */
  get isKept(): boolean {
    return this.#options !== undefined;
  }

  /** Resolves when the file's line is durable, or at once if no manifest is kept. */
  record(stored: StoredFile): Promise<void> {
    if (this.#options === undefined) return Promise.resolve();
    const line = renderLine(stored, this.#ports.clock.wallMs());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      if (this.#isWriting) return;
      this.#isWriting = true;
      void this.#inTurn(() => this.#writeAll());
    });
  }

  /** Resolves with why no line can be written now; undefined if lines can be written. */
  trouble(): Promise<Fault | undefined> {
    return this.#inTurn(async () => {
      if (this.#options === undefined) return undefined;
      return this.#attempt((open) => open.tryOut(TRIED_BYTES));
    });
  }

  /**
   * Opens a new file if the options name one. Rejects with a Fault if it cannot be written.
   */
  async prepare(options: ManifestOptions | undefined): Promise<Prepared> {
    const isMoved = options !== undefined && options.path !== this.#options?.path;
    const opened = isMoved ? await this.#openAt(options) : undefined;
    return {
      discard: async () => opened?.close(),
      commit: () =>
        this.#inTurn(async () => {
          if (isDeepStrictEqual(options, this.#options)) return;
          await this.#close();
          [this.#options, this.#open] = [options, opened];
        }),
    };
  }

  /** Resolves when the file is closed. Lines that wait are written before. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_LINES_MAX);
      const lines = Buffer.from(batch.map(({ line }) => line).join(''));
      const fault = await this.#attempt((open) => this.#append(open, lines));
      for (const { resolve, reject } of batch) {
        if (fault === undefined) resolve();
        else reject(fault);
      }
    }
    this.#isWriting = false;
  }

  async #append(open: OpenManifest, lines: Buffer): Promise<void> {
    if ((await open.append(lines, this.#ports.clock.wallMs())) === 'ended a file')
      await this.#deleteOld(open);
  }

  /** A file that cannot be deleted delays no line. */
  async #deleteOld(open: OpenManifest): Promise<void> {
    try {
      await open.deleteOld(this.#ports.clock.wallMs());
    } catch (error) {
      this.#ports.onEvent({ kind: 'fault', operation: 'delete an old file of the manifest', error });
    }
  }

  /** Resolves with the Fault of `act`, after which the file is opened anew. */
  async #attempt(act: (open: OpenManifest) => Promise<void>): Promise<Fault | undefined> {
    // A reload has switched the manifest off while lines waited.
    const options = this.#options;
    if (options === undefined) return undefined;
    try {
      if (this.#open?.isInPlace === false) await this.#close();
      this.#open ??= await this.#openAt(options);
      await act(this.#open);
      return undefined;
    } catch (error) {
      await this.#close();
      return manifestFault(error, options.path);
    }
  }

  /** Rejects with a Fault. */
  async #openAt(options: ManifestOptions): Promise<OpenManifest> {
    const { lock, onEvent } = this.#ports;
    try {
      const open = await OpenManifest.open(options, lock);
      const { cutBytes } = open;
      if (cutBytes > 0) onEvent({ kind: 'manifestRepaired', path: options.path, cutBytes });
      await this.#deleteOld(open);
      return open;
    } catch (error) {
      throw manifestFault(error, options.path);
    }
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    // What close(2) says about earlier writes is known: lines count only after fdatasync(2).
    await open?.close().catch(() => undefined);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const acted = this.#turn.then(act);
    this.#turn = acted.catch(() => undefined);
    return acted;
  }
}

// The memory that the scanning thread and the main thread share during a walk.
//
//   scanning thread                         main thread
//   fills a batch, sends its number ──────▶ takes the files in, frees the batch
//   waits while no batch is free
//   notes each step, and its folder ──────▶ looks whether there are steps
//                                   ◀────── stops the walk
import { SpoolPath } from '../spool/entry.ts';
import { FOUND_BYTES, FoundFiles } from './found-files.ts';
import type { Reading } from './silent-folders.ts';

/** The thread runs ahead by so many batches at most, so that memory stays small. */
const BATCHES = 4;
const [STEPS, FREED, STOPPED, PATH_LENGTH] = [0, 1, 2, 3];
const STATE_BYTES = 16;
/** A message shows no more of a folder's path. */
const PATH_BYTES = 4_096;
/** A stop is noticed within this time by a thread that waits for a batch. */
const WAIT_MS = 100;

/** Made by the main thread; the scanning thread makes its own view of the same buffer. */
export class ScanMemory {
  readonly buffer: SharedArrayBuffer;
  readonly #state: Int32Array;
  readonly #path: Uint8Array;
  readonly #batches: readonly FoundFiles[];
  /** How many batches the thread has begun to fill. */
  #begun = 0;

  constructor(buffer = new SharedArrayBuffer(STATE_BYTES + PATH_BYTES + BATCHES * FOUND_BYTES)) {
    this.buffer = buffer;
    this.#state = new Int32Array(buffer, 0, STATE_BYTES / 4);
    this.#path = new Uint8Array(buffer, STATE_BYTES, PATH_BYTES);
    const start = STATE_BYTES + PATH_BYTES;
    this.#batches = Array.from(
      { length: BATCHES },
      (_, at) => new FoundFiles(buffer, start + at * FOUND_BYTES),
    );
  }

  get isStopped(): boolean {
    return Atomics.load(this.#state, STOPPED) !== 0;
  }

  get progress(): Reading {
    const length = Atomics.load(this.#state, PATH_LENGTH);
    return {
      steps: Atomics.load(this.#state, STEPS),
      path: new SpoolPath(Buffer.from(this.#path.subarray(0, length))),
    };
  }

  batch(number: number): FoundFiles | undefined {
    return this.#batches[number % BATCHES];
  }

  /** Call when the files of a batch have been taken in. */
  free(): void {
    Atomics.add(this.#state, FREED, 1);
    Atomics.notify(this.#state, FREED);
  }

  /** The thread ends at its next step. */
  stop(): void {
    Atomics.store(this.#state, STOPPED, 1);
    Atomics.notify(this.#state, FREED);
  }

  /** The thread calls it when the walk reads this folder. */
  enter({ bytes }: SpoolPath): void {
    const length = Math.min(bytes.length, PATH_BYTES);
    this.#path.set(bytes.subarray(0, length));
    Atomics.store(this.#state, PATH_LENGTH, length);
    this.step();
  }

  /** The thread calls it when the file system has answered. Throws after stop(). */
  step(): void {
    Atomics.add(this.#state, STEPS, 1);
    if (this.isStopped) throw new Error('the scan was stopped');
  }

  /** The thread calls it to fill the next batch. Blocks until one is free. */
  begin(): { readonly found: FoundFiles; readonly number: number } {
    const number = this.#begun;
    this.#begun += 1;
    for (let freed = 0; ; Atomics.wait(this.#state, FREED, freed, WAIT_MS)) {
      this.step();
      freed = Atomics.load(this.#state, FREED);
      if (number - freed < BATCHES) break;
    }
    const found = this.batch(number) ?? new FoundFiles();
    found.count = 0;
    return { found, number };
  }
}

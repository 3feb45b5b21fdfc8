// Whoever drops files into the spool while the daemon is killed again and again: small ones, large ones, some written
// slowly, some replaced. They keep account of what halfpipe owes them.
import { createHash, randomFillSync } from 'node:crypto';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Obligation } from '../../support/oracle.ts';

const MIB = 1024 ** 2;
/** A writer that paused longer than this may have been taken for done: then a torn file is its own doing. */
export const SETTLE_MS = 200;

export class Producers {
  readonly everInSpool = new Set<string>();
  acceptedFiles = 0;
  readonly #last = new Map<string, string>();
  readonly #spool: string;
  readonly #outside: string;
  readonly #random: () => number;
  readonly #running: Promise<void>[] = [];
  #stopping = false;

  /** `outside` is a folder on the spool's file system that nobody watches. */
  constructor(spool: string, outside: string, random: () => number) {
    this.#spool = spool;
    this.#outside = outside;
    this.#random = random;
  }

  get obligations(): Obligation[] {
    return [...this.#last].map(([path, digest]) => ({ path, digests: [digest] }));
  }

  /** A client begins to bring this over HTTP. */
  sent(_path: string, digest: string): void {
    this.everInSpool.add(digest);
  }

  /** The daemon said that it has this durably: from now on it is owed. */
  accepted(path: string, digest: string): void {
    this.acceptedFiles += 1;
    this.#last.set(path, digest);
  }

  async start(): Promise<void> {
    for (const folder of ['small', 'large', 'slow', 'replaced'])
      await mkdir(join(this.#spool, folder), { recursive: true });
    this.#running.push(
      this.#repeat(60, (nth) => this.#renameIn(`small/${nth}`, this.#sizeUpTo(50_000))),
      this.#repeat(2_500, (nth) => this.#renameIn(`large/${nth}`, 6 * MIB + this.#sizeUpTo(8 * MIB))),
      this.#repeat(300, (nth) => this.#writeSlowly(`slow/${nth}`)),
      this.#repeat(400, (nth) => this.#replace(`replaced/${nth}`)),
    );
  }

  /** Resolves when every file begun is complete. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #repeat(everyMs: number, produce: (nth: number) => Promise<void>): Promise<void> {
    for (let nth = 0; !this.#stopping; nth += 1) {
      await produce(nth);
      await delay(everyMs * 2 * this.#random());
    }
  }

  async #renameIn(path: string, sizeBytes: number): Promise<void> {
    const content = randomFillSync(Buffer.allocUnsafe(sizeBytes));
    const temporary = join(this.#outside, path.replace('/', '-'));
    await writeFile(temporary, content);
    this.#owe(path, content);
    await rename(temporary, join(this.#spool, path));
  }

  async #replace(path: string): Promise<void> {
    await this.#renameIn(path, this.#sizeUpTo(200_000));
    await delay(2 * SETTLE_MS * this.#random());
    await this.#renameIn(path, this.#sizeUpTo(200_000));
  }

  async #writeSlowly(path: string): Promise<void> {
    const content = randomFillSync(Buffer.allocUnsafe(this.#sizeUpTo(100_000)));
    const file = await open(join(this.#spool, path), 'w');
    try {
      const chunkBytes = Math.ceil(content.length / 5);
      for (let offset = 0; offset < content.length; offset += chunkBytes) {
        const startedMs = performance.now();
        await file.write(content.subarray(offset, offset + chunkBytes));
        await delay(150 * this.#random());
        const pausedMs = performance.now() - startedMs;
        if (pausedMs > SETTLE_MS / 2) this.#saw(content.subarray(0, offset + chunkBytes));
      }
    } finally {
      await file.close();
    }
    this.#owe(path, content);
  }

  #owe(path: string, content: Buffer): void {
    this.#last.set(path, this.#saw(content));
  }

  #saw(content: Buffer): string {
    const digest = createHash('sha256').update(content).digest('hex');
    this.everInSpool.add(digest);
    return digest;
  }

  #sizeUpTo(bytes: number): number {
    return Math.floor(this.#random() * bytes) + 1;
  }
}

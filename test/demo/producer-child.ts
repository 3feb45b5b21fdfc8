// Producers as a process of its own: sends images over HTTP on a few dozen connections, as fast as it may.
// Takes its options as the first IPC message, tells how far it is, and ends when its parent does.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { systemClock as clock } from '../../src/system/clock.ts';
import { errnoOf } from '../../src/system/fault.ts';

export interface ProducerOptions {
  readonly socketPath: string;
  readonly token: string;
  /** The folder with the files. */
  readonly folder: string;
  readonly names: readonly string[];
  readonly connections: number;
}

export interface ProducerTally {
  /** Files that were acknowledged, and how many of them were in the spool already. */
  readonly accepted: number;
  readonly same: number;
  /** Answers after which a file was sent again, by status. */
  readonly refused: Readonly<Record<number, number>>;
  /** From the first request to the latest answer. */
  readonly elapsedMs: number;
}

export type ProducerAnswer =
  | { readonly tally: ProducerTally; readonly isDone: boolean }
  | { readonly failed: string };

const TELL_MS = 250;
/** How long a producer waits if it is not told, and how often it tries without an answer. */
const RETRY_MS = 1_000;
const TRIES = 5;

class Producers {
  readonly #options: ProducerOptions;
  readonly #agent: Agent;
  readonly #startedAtMs = clock.monotonicMs();
  readonly #refused: Record<number, number> = {};
  #accepted = 0;
  #same = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  }

  get tally(): ProducerTally {
    const elapsedMs = clock.monotonicMs() - this.#startedAtMs;
    return { accepted: this.#accepted, same: this.#same, refused: { ...this.#refused }, elapsedMs };
  }

  async sendAll(): Promise<void> {
    const names = [...this.#options.names].reverse();
    const sendNext = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) await this.#send(name);
    };
    await Promise.all(Array.from({ length: this.#options.connections }, sendNext));
    this.#agent.destroy();
  }

  /** Resolves when the file is acknowledged. Rejects when it never will be. */
  async #send(name: string): Promise<void> {
    const content = await readFile(join(this.#options.folder, name));
    for (let failures = 0; ; ) {
      const answer = await this.#put(name, content).catch((error: unknown) => {
        failures += 1;
        if (failures === TRIES || errnoOf(error) === undefined) throw error;
        return undefined;
      });
      if (answer?.status === 200 || answer?.status === 201) {
        this.#accepted += 1;
        if (answer.status === 200) this.#same += 1;
        return;
      }
      if (answer !== undefined) {
        if (answer.status !== 429 && answer.status !== 503)
          throw new Error(`${name} was answered ${answer.status}: ${answer.text}`);
        this.#refused[answer.status] = (this.#refused[answer.status] ?? 0) + 1;
      }
      await clock.sleep(answer?.retryAfterMs ?? RETRY_MS, new AbortController().signal);
    }
  }

  async #put(name: string, content: Buffer) {
    const { socketPath, token } = this.#options;
    const digest = createHash('sha256').update(content).digest('base64');
    const put = request({
      ...{ socketPath, agent: this.#agent, method: 'PUT', path: `/v1/files/${name}` },
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'image/jpeg',
        'Content-Length': content.byteLength,
        'Content-Digest': `sha-256=:${digest}:`,
      },
    });
    put.end(content);
    const [response]: IncomingMessage[] = await once(put, 'response');
    if (response === undefined) throw new Error('a response without a message');
    const text = Buffer.concat(await response.toArray()).toString();
    const seconds = Number(response.headers['retry-after']);
    return {
      ...{ status: response.statusCode ?? 0, text },
      retryAfterMs: seconds > 0 ? seconds * 1_000 : undefined,
    };
  }
}

process.once('message', (options: ProducerOptions) => {
  produce(options).catch((error: unknown) => {
    tell({ failed: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  });
});
process.once('disconnect', () => process.exit());

async function produce(options: ProducerOptions): Promise<void> {
  const producers = new Producers(options);
  const telling = new AbortController();
  const told = tellOften(producers, telling.signal);
  await producers.sendAll();
  telling.abort();
  await told;
  tell({ tally: producers.tally, isDone: true });
}

async function tellOften(producers: Producers, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    tell({ tally: producers.tally, isDone: false });
    await clock.sleep(TELL_MS, signal).catch(() => undefined);
  }
}

function tell(answer: ProducerAnswer): void {
  process.send?.(answer);
}

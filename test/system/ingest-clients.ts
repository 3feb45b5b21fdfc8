// Clients that bring files over HTTP while the daemon is killed or its power is cut, and tell what they were told. They
// try again until there is an answer, give some uploads up half-way, and stop when they are told to.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { startFlags } from '../support/start-flags.ts';

const CLIENTS = 4;
const AGAIN_MS = 150;

export interface ClientBooks {
  /** A client begins to send this. From now on it may be in the spool. */
  sent(path: string, digest: string): void;
  /** A client was told that it is durable. */
  accepted(path: string, digest: string): void;
}

export class IngestClients {
  /** Answers, by status; `none` is a connection that ended without one. */
  readonly answers = new Map<string, number>();
  readonly #port: number;
  readonly #books: ClientBooks;
  readonly #random: () => number;
  #token = '';
  #running: Promise<void>[] = [];
  #stopping = false;

  private constructor(port: number, books: ClientBooks, random: () => number) {
    this.#port = port;
    this.#books = books;
    this.#random = random;
  }

  static async create(books: ClientBooks, random: () => number): Promise<IngestClients> {
    return new IngestClients(await freePort(), books, random);
  }

  /** What the configuration needs. */
  settings(tokensFile: string) {
    return { listen: this.#port, tokensFile, minFreeSpace: '1 MiB' };
  }

  /** `main` is the compiled program. */
  start(main: string, config: string): void {
    const args = [...startFlags(), main, 'token', 'add', 'clients', '--config', config];
    this.#token = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
    this.#running = Array.from({ length: CLIENTS }, (_, client) => this.#produce(client));
  }

  /** What was not answered is given up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #produce(client: number): Promise<void> {
    for (let nth = 0; !this.#stopping; nth += 1) {
      const content = randomBytes(Math.ceil(this.#random() ** 3 * 300_000));
      const digest = createHash('sha256').update(content).digest('hex');
      // A new folder now and then: its name has to be durable, too.
      const path = `http/${client}-${Math.floor(nth / 5)}/${nth}`;
      this.#books.sent(path, digest);
      const givesUp = this.#random() < 0.1;
      for (let isOver = false; !isOver && !this.#stopping; ) {
        const status = await this.#put(path, content, givesUp ? content.length / 2 : content.length);
        this.answers.set(`${status ?? 'none'}`, (this.answers.get(`${status ?? 'none'}`) ?? 0) + 1);
        const isAccepted = status === 200 || status === 201;
        if (isAccepted) this.#books.accepted(path, digest);
        isOver = isAccepted || givesUp;
        if (!isOver) await delay(AGAIN_MS * this.#random());
      }
      await delay(60 * this.#random());
    }
  }

  /** The status, or undefined when there was no answer. Ends the connection after `sentBytes`, if that is not all. */
  #put(path: string, content: Buffer, sentBytes: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const sending = request({
        ...{ host: '127.0.0.1', port: this.#port, method: 'PUT', path: `/v1/files/${path}` },
        headers: { authorization: `Bearer ${this.#token}`, 'content-length': content.length },
        agent: false,
      });
      sending.on('error', () => resolve(undefined));
      sending.on('response', (response) => {
        response.resume();
        response.on('close', () => resolve(response.complete ? response.statusCode : undefined));
      });
      if (sentBytes >= content.length) sending.end(content);
      else
        sending.write(content.subarray(0, Math.floor(sentBytes)), () =>
          setTimeout(() => sending.destroy(), 30),
        );
    });
  }
}

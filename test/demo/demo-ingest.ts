// The images come in over HTTP: a place to listen, a token, and producers. It is a Unix socket, because the loopback
// interface plays the uplink here, and what came in over it would count as traffic of others.
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { startFlags } from '../support/start-flags.ts';
import type { ProducerTally } from './producer-child.ts';
import { ProducerProcess } from './producers.ts';

/** unix(7): sun_path has 108 bytes, the last of which is zero. */
const SOCKET_PATH_BYTES_MAX = 107;
const TOKEN_NAME = 'demo';
/** Producers that send at once. */
const CONNECTIONS = 32;

/** What the producers send. */
export interface Images {
  readonly folder: string;
  readonly names: readonly string[];
}

export class DemoIngest {
  readonly #images: Images;
  readonly #folder: string;
  readonly #tokensFile: string;
  readonly socketPath: string;
  /** With the token, for people who try curl. */
  readonly tokenFile: string;
  #token = '';
  #producers: ProducerProcess | undefined;

  /** Everything is in `folder`, unless the path of a socket would be too long there. */
  constructor(folder: string, images: Images) {
    this.#images = images;
    this.#folder = folder;
    this.#tokensFile = join(folder, 'ingest-tokens.json');
    this.tokenFile = join(folder, 'ingest-token');
    const near = join(folder, 'ingest.sock');
    const isShort = Buffer.byteLength(near) <= SOCKET_PATH_BYTES_MAX;
    this.socketPath = isShort ? near : join(mkdtempSync(join(tmpdir(), 'halfpipe-demo-')), 'ingest.sock');
  }

  /** As in the unit: files that arrive and files that leave are synced to the disk at once. */
  get env(): Readonly<Record<string, string>> {
    return { UV_THREADPOOL_SIZE: '24' };
  }

  /** The line of the config. */
  get config(): string {
    const [listen, tokensFile] = [this.socketPath, this.#tokensFile].map((path) => JSON.stringify(path));
    return `ingest: { listen: ${listen}, tokensFile: ${tokensFile} }`;
  }

  /** What the producers have been answered so far; undefined before they start. */
  get tally(): ProducerTally | undefined {
    return this.#producers?.tally;
  }

  /** Makes a token with the real command. */
  async makeToken(main: string, config: string): Promise<void> {
    await rm(this.#tokensFile, { force: true });
    const args = [...startFlags(), main, 'token', 'add', TOKEN_NAME, '--config', config];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    this.#token = stdout.trim();
    await rm(this.tokenFile, { force: true });
    await writeFile(this.tokenFile, `${this.#token}\n`, { mode: 0o600 });
  }

  /** Starts the producers once the daemon listens. Throws when an image will never be accepted. */
  haveAllArrived({ ingest }: Pick<Snapshot, 'ingest'>): boolean {
    if (this.#producers === undefined && ingest?.isUp === true)
      this.#producers = ProducerProcess.start({
        ...this.#images,
        ...{ socketPath: this.socketPath, token: this.#token, connections: CONNECTIONS },
      });
    return this.#producers?.isDone ?? false;
  }

  async stop(): Promise<void> {
    await this.#producers?.stop();
    const folder = dirname(this.socketPath);
    if (folder !== this.#folder) await rm(folder, { recursive: true, force: true });
  }
}

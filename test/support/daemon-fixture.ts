// The real daemon as a process of its own, between a spool on disk and an S3 server in this process. What reached the
// bucket is judged from the server's side; whatever the daemon prints is kept, parsed, and searched for secrets.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchSnapshot } from '../../src/control/control-client.ts';
import { connectToInstance } from '../../src/spool/instance-lock.ts';
import { errnoOf } from '../../src/system/fault.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { compiledMain } from './compiled.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { type S3Server, startS3Server } from './s3-server.ts';
import { startFlags } from './start-flags.ts';
import type { Quirks } from './store-quirks.ts';

export const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'a-secret-that-no-line-may-show' };
export const BUCKET = 'inbox';
/** Far more than anything here takes, even on a busy machine: a test that waits so long has failed. */
const PATIENCE_MS = 60_000;

type Section = Readonly<Record<string, unknown>>;
export type Config = Readonly<Record<string, Section>>;

/** Not waiting for the link, and finding things at once: for tests in which pace does not matter. */
const QUICK: Config = {
  spool: { settle: '0 s', rescan: '1 s' },
  link: { interface: 'lo', capacity: '10 Gbit/s' },
  retry: { initial: '200 ms', probe: '1 s' },
  log: { format: 'json' },
};

/** A link of 2 Mbit/s (250 kB/s) for us, whatever else is sent over `lo`: the floor is the target. */
export const SLOW: Config = { link: { capacity: '4 Mbit/s', floor: '50 %' } };
/** More than a second on that link, and too large to be put twice for learning what the store does. */
export const SLOW_BYTES = 300_000;

export interface Served {
  readonly method: string;
  readonly url: string;
  readonly status: number;
}

/** One line of the log. */
export type LogRecord = Readonly<Record<string, unknown>> & {
  readonly event?: string;
  readonly msg?: string;
};

export class DaemonFixture {
  readonly base: string;
  readonly spool: string;
  readonly configFile: string;
  /** Requests that were answered in full, in order. */
  readonly served: Served[] = [];
  /** Requests whose head has arrived, as `METHOD url`. */
  readonly begun: string[] = [];
  /** Connections that have carried a request and are open. */
  readonly connections = new Set<Socket>();
  #server: S3Server | undefined;
  #port = 0;
  #endpoint = '';
  readonly #runs: DaemonRun[] = [];
  readonly #quirks: Quirks;

  private constructor(base: string, quirks: Quirks) {
    this.#quirks = quirks;
    this.base = base;
    this.spool = join(base, 'spool');
    this.configFile = join(base, 'halfpipe.json');
  }

  /** A spool, a server with one bucket, and a config that leads from one to the other. Removed when the test ends. */
  static async create(t: TestContext, config: Config = {}, quirks: Quirks = {}): Promise<DaemonFixture> {
    const fixture = new DaemonFixture(await mkdtemp(join(tmpdir(), 'halfpipe-daemon-')), quirks);
    t.after(() => fixture.#remove());
    await mkdir(fixture.spool);
    await fixture.startServer();
    await fixture.configure(config);
    return fixture;
  }

  /** The server is there, at the same port as before. */
  async startServer(): Promise<void> {
    const directory = join(this.base, 's3');
    const intercept = (request: IncomingMessage, response: ServerResponse) => this.#watch(request, response);
    this.#server = await startS3Server({
      ...KEYS,
      directory,
      port: this.#port,
      buckets: [BUCKET],
      intercept,
      quirks: this.#quirks,
    });
    this.#endpoint = this.#server.endpoint;
    this.#port = Number(new URL(this.#endpoint).port);
  }

  /** From now on a connection that closes was closed by the daemon. */
  keepIdleConnections(): void {
    this.#server?.keepIdleConnections();
  }

  /** Connections break, new ones are refused; what was stored is kept. */
  async stopServer(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** Writes the config file: what tests need, and `config` over it, section by section. */
  async configure(config: Config): Promise<void> {
    const s3 = { bucket: BUCKET, region: 'us-east-1', endpoint: this.#endpoint, forcePathStyle: true };
    const base: Config = { ...QUICK, spool: { ...QUICK.spool, path: this.spool }, s3 };
    const sections = new Set([...Object.keys(base), ...Object.keys(config)]);
    const merged = [...sections].map((name) => [name, { ...base[name], ...config[name] }]);
    await writeFile(this.configFile, JSON.stringify(Object.fromEntries(merged)));
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  /**
   * Starts `halfpipe run`; killed when the test ends, should it still run. `wrapper` is a command that execs it, such
   * as setpriv(1).
   */
  start(env: NodeJS.ProcessEnv = {}, wrapper: readonly string[] = []): DaemonRun {
    return this.command(['run', '--config', this.configFile], env, wrapper);
  }

  command(args: readonly string[], env: NodeJS.ProcessEnv = {}, wrapper: readonly string[] = []): DaemonRun {
    const run = new DaemonRun(args, env, wrapper);
    this.#runs.push(run);
    return run;
  }

  /** What the running daemon says of itself, without the seconds that a command takes to start. */
  async snapshot(): Promise<Snapshot> {
    return fetchSnapshot(await connectToInstance(this.spool));
  }

  /** Puts a whole file under its name in one step, as a careful producer does. */
  async put(name: string | Buffer, content: string | Buffer): Promise<void> {
    const temporary = join(this.base, 'incoming');
    if (typeof name === 'string') await mkdir(dirname(join(this.spool, name)), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, this.at(name));
  }

  at(name: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.spool}/`), Buffer.from(name)]);
  }

  /** Paths of all that is in the spool but the private folder, with bytes shown as latin1; sorted. */
  async spooled(): Promise<string[]> {
    let found: string[];
    try {
      found = await readdir(this.spool, { recursive: true, encoding: 'latin1' });
    } catch (error) {
      // A folder was removed between its discovery and its reading.
      if (errnoOf(error) !== 'ENOENT' || !existsSync(this.spool)) throw error;
      return this.spooled();
    }
    return found.filter((name) => name !== '.halfpipe' && !name.startsWith('.halfpipe/')).sort();
  }

  /** Regular files in the private folder, but for the lock's and the spare space. */
  async kept(): Promise<string[]> {
    const home = join(this.spool, '.halfpipe');
    const found = await readdir(home, { recursive: true, withFileTypes: true });
    return found
      .filter((dirent) => dirent.isFile() && dirent.name !== 'pid')
      .map((dirent) => join(dirent.parentPath, dirent.name).slice(home.length + 1))
      .filter((name) => !name.startsWith('spare/'))
      .sort();
  }

  keys(): string[] {
    return this.#server?.bucket(BUCKET)?.keys('') ?? assert.fail('the server is stopped');
  }

  /** The bytes the server holds under `key`. */
  object(key: string): Promise<Buffer> {
    const bucket = this.#server?.bucket(BUCKET);
    if (bucket?.get(key) === undefined) assert.fail(`the bucket holds no ${JSON.stringify(key)}`);
    return readFile(bucket.fileOf(key));
  }

  /** The server's bucket, to delete and damage objects in it. */
  get bucket(): S3Bucket {
    return this.#server?.bucket(BUCKET) ?? assert.fail('the server is stopped');
  }

  /** How often a whole object was stored under `key`. */
  timesStored(key: string): number {
    const path = `/${BUCKET}/${key.split('/').map(encodeURIComponent).join('/')}`;
    const isStore = ({ method, url, status }: Served) => {
      const [at, query = ''] = url.split('?', 2);
      const completes = method === 'POST' && query.includes('uploadId=');
      const puts = method === 'PUT' && !query.includes('partNumber=');
      return status === 200 && at === path && (completes || puts);
    };
    return this.served.filter(isStore).length;
  }

  /** Resolves once `condition` holds; fails the test, saying `what`, when it does not come to hold. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      assert.ok(performance.now() < endMs, `waited in vain until ${what}`);
      await delay(10);
    }
  }

  /** Resolves once the spool is empty but for folders and whatever `leaving` names. */
  untilDrained(leaving: readonly string[] = []): Promise<void> {
    const expected = [...leaving].sort().join('\n');
    return this.until('the spool is drained', async () => (await this.spooled()).join('\n') === expected);
  }

  untilBegun(request: RegExp): Promise<void> {
    return this.until(`${request} begins`, () => this.begun.some((begun) => request.test(begun)));
  }

  /** In this order: a daemon that still runs makes its folders again, as often as they are removed. */
  async #remove(): Promise<void> {
    for (const run of this.#runs) run.kill();
    try {
      for (const run of this.#runs) await run.end();
    } finally {
      await this.stopServer();
      await rm(this.base, { recursive: true, force: true });
    }
  }

  #watch(request: IncomingMessage, response: ServerResponse): boolean {
    const { method = '', url = '' } = request;
    this.begun.push(`${method} ${url}`);
    const { socket } = request;
    if (!this.connections.has(socket)) socket.once('close', () => this.connections.delete(socket));
    this.connections.add(socket);
    response.on('finish', () => this.served.push({ method, url, status: response.statusCode }));
    return false;
  }
}

export class DaemonRun {
  stdout = '';
  stderr = '';
  readonly pid: number;
  /** The exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  readonly #child: ChildProcess;
  #ended = false;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, wrapper: readonly string[]) {
    const program = [process.execPath, ...startFlags(), compiledMain(), ...args];
    const [command = process.execPath, ...rest] = [...wrapper, ...program];
    const child = spawn(command, rest, {
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.exit = once(child, 'close').then(([code, signal]) => {
      this.#ended = true;
      return code ?? signal;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Nobody reads its output any more. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** As systemd stops it. */
  stop(): Promise<number | string> {
    this.signal('SIGTERM');
    return this.exit;
  }

  /** Every whole line so far; a line that is no record fails the test. */
  get records(): LogRecord[] {
    const lines = this.stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  of(event: string): LogRecord[] {
    return this.records.filter((record) => record.event === event);
  }

  /** The first record of `event`, as soon as there is one. */
  async says(event: string, matching: (record: LogRecord) => boolean = () => true): Promise<LogRecord> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.of(event).find(matching);
      if (found !== undefined) return found;
      if (this.#ended) assert.fail(`it ended without saying ${event}:\n${this.stdout}${this.stderr}`);
      if (performance.now() > endMs) assert.fail(`it never said ${event}:\n${this.stdout}${this.stderr}`);
      await delay(20);
    }
  }

  kill(): void {
    if (!this.#ended) this.signal('SIGKILL');
  }

  /** Nothing it ever printed may hold a secret, nor the environment of what it has started. */
  async end(): Promise<void> {
    for (const environment of childEnvironments(this.pid))
      assert.ok(!environment.includes(KEYS.secretAccessKey), `a child has the secret: ${environment}`);
    this.kill();
    await this.exit;
    const printed = `${this.stdout}${this.stderr}`;
    for (const secret of [KEYS.secretAccessKey, 'X-Amz-Signature', 'AWS4-HMAC', 'Authorization'])
      assert.ok(!printed.includes(secret), `${secret} was printed`);
  }
}

/** Of the children that run now; none where the process has ended. */
function childEnvironments(pid: number): string[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.map((child) => readFileSync(`/proc/${child}/environ`, 'utf8'));
  } catch {
    return [];
  }
}

/** Nothing of the user's own settings may lead the daemon elsewhere. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(AWS_|HALFPIPE_|NOTIFY_SOCKET$|JOURNAL_STREAM$|NODE_TEST_CONTEXT$)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

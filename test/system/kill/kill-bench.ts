// The built daemon against a real S3 server behind the fault proxy, killed at random moments while files keep arriving.
// When faults and kills are over everything has to drain; then the oracle judges what is where.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Build, BuiltDaemon, type Credentials, type Patch } from '../../support/built-daemon.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { judge, type Violation } from '../../support/oracle.ts';
import { isOwnObject } from '../../support/own-object.ts';
import { S3Reader } from '../../support/s3-reader.ts';
import { IngestClients } from '../ingest-clients.ts';
import { EmbeddedS3, type ServerUnderTest } from '../s3-servers.ts';
import { FaultPlan, generator } from './fault-plan.ts';
import { Producers, SETTLE_MS } from './producers.ts';

const FOREIGN = 'of-others/upload';
/** What stays in the private folder: the quarantine, and room for a full disk. */
const KEPT = /^(quarantine|spare)\//;
/** Without one file fewer in the spool. */
const DRAIN_PATIENCE_MS = 60_000;
const FAULTY_SHARE = 0.08;

export interface KillOptions {
  readonly seed: number;
  /** Default: the embedded one. */
  readonly server?: ServerUnderTest;
  /** Of all requests; default 8 %. */
  readonly faultyShare?: number;
  /** Clients bring files over HTTP as well. */
  readonly ingest?: boolean;
  /** Bugs put into the daemon, to see that they are found. */
  readonly bugs?: readonly Patch[];
}

export interface KillReport {
  readonly kills: number;
  readonly filesJudged: number;
  /** Files over HTTP that the daemon said are durable. */
  readonly accepted: number;
  /** What clients over HTTP were answered, by status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly objects: number;
  /** Tiny objects by which halfpipe found out about the store. */
  readonly ownObjectsLeft: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly quarantined: number;
  /** Multipart uploads without a part whose id was lost with the answer, or with the process, before it was written down. */
  readonly emptyUploads: number;
  readonly sentBytes: number;
  readonly storedBytes: number;
  /** Of the last run, after SIGTERM. */
  readonly exit: number | string;
}

export class KillBench {
  readonly #options: KillOptions;
  readonly #random: () => number;
  readonly #plan: FaultPlan;
  readonly #server: ServerUnderTest;
  readonly #build = new Build();
  readonly #base = mkdtempSync(join(tmpdir(), 'halfpipe-kill-'));
  readonly #spool = join(this.#base, 'spool');

  constructor(options: KillOptions) {
    this.#options = options;
    this.#random = generator(options.seed);
    this.#plan = new FaultPlan(this.#random, options.faultyShare ?? FAULTY_SHARE);
    this.#server = options.server ?? new EmbeddedS3();
  }

  /** Removes everything it made, whatever happens. Rejects when the daemon ends by itself or does not drain. */
  async run(kills: number, onKill: (nth: number) => void = () => undefined): Promise<KillReport> {
    let proxy: FaultProxy | undefined;
    let clients: IngestClients | undefined;
    let daemon: BuiltDaemon | undefined;
    try {
      this.#build.make(this.#options.bugs);
      mkdirSync(this.#spool);
      mkdirSync(join(this.#base, 'outside'));
      const target = await this.#server.start();
      const reader = new S3Reader(target.endpoint, target.bucket, target);
      await reader.beginUpload(FOREIGN);
      proxy = new FaultProxy(target.endpoint, target);
      proxy.plan = ({ url }) => this.#plan.next(url);
      await proxy.start();
      const producers = new Producers(this.#spool, join(this.#base, 'outside'), this.#random);
      if (this.#options.ingest === true) clients = await IngestClients.create(producers, this.#random);
      this.#configure(proxy.endpoint, target.bucket, clients);
      await producers.start();
      clients?.start(this.#build.main, join(this.#base, 'halfpipe.json'));
      for (let nth = 1; nth <= kills; nth += 1) {
        daemon = this.#launch(target);
        // Most lives are long enough for clients to come in, however busy the machine is.
        if (clients !== undefined && this.#random() < 0.8) await daemon.says('ingestListening');
        await delay(200 + 4_000 * this.#random());
        if (daemon.ended) throw new Error(`it ended by itself:\n${daemon.tail()}`);
        await daemon.end();
        onKill(nth);
      }
      await Promise.all([producers.stop(), clients?.stop()]);
      proxy.plan = () => undefined;
      daemon = this.#launch(target);
      await this.#drained(daemon);
      await proxy.settled();
      const { exit } = await daemon.stop();
      return { ...(await this.#judge(kills, exit, producers, reader, proxy)), answers: answersOf(clients) };
    } finally {
      await daemon?.end();
      await clients?.stop();
      await proxy?.stop();
      await this.#server.stop();
      this.#build.remove();
      rmSync(this.#base, { recursive: true, force: true });
    }
  }

  #launch(keys: Credentials): BuiltDaemon {
    return new BuiltDaemon(this.#build.main, ['run', '--config', join(this.#base, 'halfpipe.json')], keys);
  }

  #configure(endpoint: string, bucket: string, clients: IngestClients | undefined): void {
    const settings = {
      spool: { path: this.#spool, settle: `${SETTLE_MS} ms`, rescan: '2 s' },
      // 25 MB/s: a large file takes half a second, and many a kill meets one.
      link: { interface: 'lo', capacity: '400 Mbit/s', floor: '50 %' },
      s3: { bucket, endpoint, region: 'us-east-1', forcePathStyle: true, partSize: '5 MiB' },
      upload: { idleTimeout: '1 s' },
      retry: { initial: '50 ms', max: '500 ms', probe: '200 ms' },
      log: { format: 'json' },
      ...(clients === undefined ? {} : { ingest: clients.settings(join(this.#base, 'tokens.json')) }),
    };
    writeFileSync(join(this.#base, 'halfpipe.json'), JSON.stringify(settings));
  }

  async #drained(daemon: BuiltDaemon): Promise<void> {
    let least = Number.POSITIVE_INFINITY;
    let endMs = 0;
    for (let left = least; left > 0; left = filesBelow(this.#spool, '.halfpipe').length) {
      if (left < least || endMs === 0) endMs = performance.now() + DRAIN_PATIENCE_MS;
      least = Math.min(least, left);
      if (daemon.ended || performance.now() > endMs) throw new Error(`it does not drain:\n${daemon.tail()}`);
      await delay(100);
    }
  }

  async #judge(
    kills: number,
    exit: number | string,
    producers: Producers,
    reader: S3Reader,
    proxy: FaultProxy,
  ): Promise<Omit<KillReport, 'answers'>> {
    const inventory = await reader.inventory();
    const bucket = new Map([...inventory].filter(([key]) => !isOwnObject(key)));
    const open = await reader.openUploads();
    const withParts = await reader.openUploads({ onlyWithParts: true });
    const home = join(this.#spool, '.halfpipe');
    const quarantine = filesBelow(join(home, 'quarantine'))
      .filter((path) => !path.endsWith('.json'))
      .map((path) => quarantinedFile(join(home, 'quarantine'), path));
    const violations = judge({
      obligations: producers.obligations,
      keyOf: (path) => path,
      bucket,
      spool: new Map(
        filesBelow(this.#spool, '.halfpipe').map((path) => [path, digestOf(join(this.#spool, path))]),
      ),
      quarantine,
      everInSpool: producers.everInSpool,
      foreign: new Map(),
      damaged: this.#plan.damaged,
      openUploads: open.filter((key) => key !== FOREIGN),
      leftovers: filesBelow(home).filter((path) => !KEPT.test(path)),
      quiet: true,
    });
    if (!open.includes(FOREIGN))
      violations.push({ kind: 'foreign', what: `${FOREIGN}, another's upload, was aborted` });
    const sent = proxy.seen.filter(({ method }) => method === 'PUT');
    return {
      kills,
      exit,
      filesJudged: producers.obligations.length,
      accepted: producers.acceptedFiles,
      objects: bucket.size,
      ownObjectsLeft: inventory.size - bucket.size,
      faults: Object.fromEntries([...this.#plan.counts].sort()),
      violations,
      quarantined: quarantine.length,
      emptyUploads: open.length - 1 - withParts.length,
      sentBytes: sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
      storedBytes: await reader.totalBytes(),
    };
  }
}

function answersOf(clients: IngestClients | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries([...(clients?.answers ?? [])].sort());
}

function quarantinedFile(folder: string, path: string) {
  const [id = '', ...name] = path.split('/');
  const record = join(folder, `${id}.json`);
  const { path: from, reason } = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
  return { path: from ?? name.join('/'), digest: digestOf(join(folder, path)), reason };
}

/** Regular files, relative to `folder`; what is below `except` is left out. */
function filesBelow(folder: string, except = ''): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const paths = found.map((dirent) => join(dirent.parentPath, dirent.name).slice(folder.length + 1));
  return paths.filter((path) => except === '' || !path.startsWith(`${except}/`));
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

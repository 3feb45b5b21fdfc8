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
import { Build, BuiltDaemon } from '../../support/built-daemon.ts';
import { FaultProxy, type WireFault } from '../../support/fault-proxy.ts';
import { judge, type Violation } from '../../support/oracle.ts';
import { S3Reader } from '../../support/s3-reader.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';
import { Producers, SETTLE_MS } from './producers.ts';

const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
const BUCKET = 'inbox';
const FOREIGN = 'of-others/upload';
const DRAIN_PATIENCE_MS = 120_000;
const FAULTY_SHARE = 0.08;

export interface KillReport {
  readonly kills: number;
  readonly filesJudged: number;
  readonly objects: number;
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
  readonly #random: () => number;
  readonly #build = new Build();
  readonly #base = mkdtempSync(join(tmpdir(), 'halfpipe-kill-'));
  readonly #spool = join(this.#base, 'spool');
  readonly #faults = new Map<string, number>();
  readonly #damaged = new Set<string>();

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  /** Removes everything it made, whatever happens. Rejects when the daemon ends by itself or does not drain. */
  async run(kills: number, onKill: (nth: number) => void = () => undefined): Promise<KillReport> {
    let server: S3Server | undefined;
    let proxy: FaultProxy | undefined;
    let daemon: BuiltDaemon | undefined;
    try {
      this.#build.make();
      mkdirSync(this.#spool);
      mkdirSync(join(this.#base, 'outside'));
      server = await startS3Server({
        ...KEYS,
        directory: join(this.#base, 's3'),
        port: 0,
        buckets: [BUCKET],
      });
      const reader = new S3Reader(server.endpoint, BUCKET, KEYS);
      await reader.beginUpload(FOREIGN);
      proxy = new FaultProxy(server.endpoint, KEYS);
      proxy.plan = ({ url }) => this.#fault(url);
      await proxy.start();
      this.#configure(proxy.endpoint);
      const producers = new Producers(this.#spool, join(this.#base, 'outside'), this.#random);
      await producers.start();
      for (let nth = 1; nth <= kills; nth += 1) {
        daemon = this.#launch();
        await delay(200 + 2_300 * this.#random());
        if (daemon.ended) throw new Error(`it ended by itself:\n${daemon.tail()}`);
        await daemon.end();
        onKill(nth);
      }
      await producers.stop();
      proxy.plan = () => undefined;
      daemon = this.#launch();
      await this.#drained(daemon);
      await proxy.settled();
      const { exit } = await daemon.stop();
      return await this.#judge(kills, exit, producers, reader, proxy);
    } finally {
      await daemon?.end();
      await proxy?.stop();
      await server?.close();
      this.#build.remove();
      rmSync(this.#base, { recursive: true, force: true });
    }
  }

  #launch(): BuiltDaemon {
    return new BuiltDaemon(this.#build.main, ['run', '--config', join(this.#base, 'halfpipe.json')], KEYS);
  }

  #configure(endpoint: string): void {
    const settings = {
      spool: { path: this.#spool, settle: `${SETTLE_MS} ms`, rescan: '2 s' },
      // 25 MB/s: a large file takes half a second, and many a kill meets one.
      link: { interface: 'lo', capacity: '400 Mbit/s', floor: '50 %' },
      s3: { bucket: BUCKET, endpoint, region: 'us-east-1', forcePathStyle: true, partSize: '5 MiB' },
      upload: { idleTimeout: '1 s' },
      retry: { initial: '50 ms', max: '500 ms', probe: '200 ms' },
      log: { format: 'json' },
    };
    writeFileSync(join(this.#base, 'halfpipe.json'), JSON.stringify(settings));
  }

  #fault(url: string): WireFault | undefined {
    if (this.#random() > FAULTY_SHARE) return undefined;
    const error = (status: number, code: string): WireFault => ({ kind: 'answer', status, code });
    const all: readonly WireFault[] = [
      { kind: 'reset', atByte: Math.floor(this.#random() * 100_000) },
      { kind: 'stall' },
      { kind: 'drop-answer' },
      { kind: 'late', byMs: 200 + 3_000 * this.#random() },
      { kind: 'damage', how: 'flip-byte' },
      { kind: 'damage', how: 'truncate' },
      error(500, 'InternalError'),
      error(503, 'SlowDown'),
      { ...error(403, 'AccessDenied'), early: true } as WireFault,
      error(403, 'ExpiredToken'),
      { kind: 'answer', status: 200 },
    ];
    const fault = all[Math.floor(this.#random() * all.length)];
    if (fault === undefined) return undefined;
    const name = fault.kind === 'answer' ? `${fault.status} ${fault.code ?? 'empty'}` : fault.kind;
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1);
    const [path = ''] = url.split('?');
    if (fault.kind === 'damage') this.#damaged.add(decodeURIComponent(path.split('/').slice(2).join('/')));
    return fault;
  }

  async #drained(daemon: BuiltDaemon): Promise<void> {
    const endMs = performance.now() + DRAIN_PATIENCE_MS;
    while (filesBelow(this.#spool, '.halfpipe').length > 0) {
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
  ): Promise<KillReport> {
    const bucket = await reader.inventory();
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
      damaged: this.#damaged,
      openUploads: withParts,
      leftovers: filesBelow(home, 'quarantine'),
      quiet: true,
    });
    if (!open.includes(FOREIGN))
      violations.push({ kind: 'foreign', what: `${FOREIGN}, another's upload, was aborted` });
    const sent = proxy.seen.filter(({ method }) => method === 'PUT');
    return {
      kills,
      exit,
      filesJudged: producers.obligations.length,
      objects: bucket.size,
      faults: Object.fromEntries([...this.#faults].sort()),
      violations,
      quarantined: quarantine.length,
      emptyUploads: open.length - 1 - withParts.length,
      sentBytes: sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
      storedBytes: await reader.totalBytes(),
    };
  }
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

/** Numbers in [0, 1) that look random and follow from the seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The built daemon drains a file system of its own whose power is cut at random moments: it goes on from what had reached
// the disk. When the cuts are over everything has to drain; then the oracle judges what is where.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Build,
  BuiltDaemon,
  type Credentials,
  type LogRecord,
  type Patch,
} from '../../support/built-daemon.ts';
import { judge, type Violation } from '../../support/oracle.ts';
import { S3Reader } from '../../support/s3-reader.ts';
import { IngestClients } from '../ingest-clients.ts';
import { generator } from '../kill/fault-plan.ts';
import { EmbeddedS3, type Target } from '../s3-servers.ts';
import { LoopDisk } from './loop-disk.ts';
import { PowerBooks } from './power-books.ts';

/** What stays in the private folder: the quarantine, and room for a full disk. */
const KEPT = /^(quarantine|spare)\//;
const DRAIN_PATIENCE_MS = 60_000;

export interface PowerOptions {
  readonly seed: number;
  readonly conflict: 'keep-both' | 'overwrite';
  /** Default: ext4. */
  readonly fileSystem?: string;
  /** Clients bring files over HTTP as well. */
  readonly ingest?: boolean;
  readonly logLevel?: 'info' | 'debug';
  /** Bugs put into the daemon, to see that they are found. */
  readonly bugs?: readonly Patch[];
}

export interface PowerReport {
  readonly cuts: number;
  readonly filesJudged: number;
  /** Files over HTTP that the daemon said are durable. */
  readonly accepted: number;
  /** What clients over HTTP were answered, by status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly objects: number;
  /** Not synced by their producers, and not uploaded when the power was cut. */
  readonly lostUnsynced: number;
  readonly violations: readonly Violation[];
  /** Of the last run, after SIGTERM. */
  readonly exit: number | string;
}

export class PowerBench {
  readonly #options: PowerOptions;
  readonly #random: () => number;
  readonly #server = new EmbeddedS3();
  readonly #build = new Build();
  readonly #config = join(tmpdir(), `halfpipe-power-${process.pid}.json`);
  readonly #tokens = join(tmpdir(), `halfpipe-power-${process.pid}-tokens.json`);
  readonly #disk: LoopDisk;
  readonly #spool: string;
  readonly #books: PowerBooks;
  /** What the daemon logged, life by life. */
  readonly #lives: LogRecord[][] = [];
  readonly #found: string[] = [];

  constructor(options: PowerOptions) {
    this.#options = options;
    this.#random = generator(options.seed);
    this.#disk = new LoopDisk(options.fileSystem);
    this.#spool = join(this.#disk.path, 'spool');
    const outside = join(this.#disk.path, 'outside');
    for (const folder of [this.#spool, outside]) mkdirSync(folder);
    this.#books = new PowerBooks(this.#spool, outside, options.conflict === 'overwrite', this.#random);
  }

  /**
   * Removes everything it made, whatever happens. Stops at the first violation. Rejects when the daemon ends by itself
   * or does not drain.
   */
  async run(cuts: number, onCut: (nth: number) => void = () => undefined): Promise<PowerReport> {
    let daemon: BuiltDaemon | undefined;
    let reader: S3Reader | undefined;
    let clients: IngestClients | undefined;
    try {
      this.#build.make(this.#options.bugs);
      const target = await this.#server.start();
      reader = new S3Reader(target.endpoint, target.bucket, target);
      if (this.#options.ingest === true) clients = await IngestClients.create(this.#books, this.#random);
      this.#configure(target, clients);
      clients?.start(this.#build.main, this.#config);
      let nth = 0;
      for (; nth < cuts && this.#books.violations.length === 0; nth += 1) {
        daemon = this.#launch(target);
        await this.#live(daemon);
        daemon.signal('SIGSTOP');
        this.#disk.freezeAndCopy();
        await daemon.end();
        this.#disk.restart();
        this.#lives.push(daemon.records);
        this.#books.cut(this.#spooled(), this.#aside(), await reader.inventory());
        this.#lookAtViolations();
        onCut(nth + 1);
      }
      await clients?.stop();
      daemon = this.#launch(target);
      await this.#drained(daemon);
      if (this.#aside().size > 0) {
        // Its name was taken by another that has left by now: it comes back within ten minutes, or at the next start.
        await daemon.stop();
        daemon = this.#launch(target);
        await daemon.says('ready');
        await this.#drained(daemon);
      }
      const { exit } = await daemon.stop();
      const answers = Object.fromEntries([...(clients?.answers ?? [])].sort());
      return { cuts: nth, exit, answers, ...(await this.#judge(reader)) };
    } finally {
      await daemon?.end();
      await clients?.stop();
      reader?.close();
      await this.#server.stop();
      this.#build.remove();
      this.#disk.remove();
      for (const file of [this.#config, this.#tokens]) rmSync(file, { force: true });
    }
  }

  #lookAtViolations(): void {
    for (const { what } of this.#books.violations) {
      const [path = ''] = what.split(' ');
      const { ino, nlink, mtime, ctime } = statSync(join(this.#spool, path));
      const times = `written ${mtime.toISOString()}, named ${ctime.toISOString()}`;
      this.#found.push(`${path}: inode ${ino} with ${nlink} names, ${times}`);
    }
  }

  /** What the last lives logged of `path`, for whoever looks for the cause of a violation. */
  story(path: string, lives = 4): string {
    const told = this.#lives.slice(-lives).map((records) => {
      const about = records.filter(({ msg }) => new RegExp(`\\b${path}\\b`).test(`${msg}`));
      return about.map(({ time, msg }) => `${time} ${msg}`).join('\n');
    });
    const drops = this.#books.drops.filter((drop) => drop.path === path).slice(-12);
    return [...this.#found, ...drops.map(({ text }) => text), ...told].join('\n--- power cut\n');
  }

  #launch(keys: Credentials): BuiltDaemon {
    return new BuiltDaemon(this.#build.main, ['run', '--config', this.#config], keys);
  }

  /** Files arrive before the daemon is ready, and then for a while. */
  async #live(daemon: BuiltDaemon): Promise<void> {
    for (let files = 10 * this.#random(); files > 0; files -= 1) this.#drop();
    await daemon.says('ready');
    const endMs = performance.now() + 1_500 * this.#random();
    while (performance.now() < endMs) {
      for (let files = 4 * this.#random(); files > 0; files -= 1) this.#drop();
      await delay(60 * this.#random());
    }
    if (daemon.ended) throw new Error(`it ended by itself:\n${daemon.tail()}`);
  }

  /** Producers wait while the disk is half full, as it gets where lives are too short to send what arrives in them. */
  #drop(): void {
    const { blocks, bfree } = statfsSync(this.#disk.path);
    if (bfree > blocks / 2) this.#books.drop();
  }

  #configure({ endpoint, bucket }: Target, clients: IngestClients | undefined): void {
    const settings = {
      spool: { path: this.#spool, settle: '0 s', rescan: '2 s' },
      link: { interface: 'lo', capacity: '400 Mbit/s', floor: '50 %' },
      s3: {
        ...{ bucket, endpoint, region: 'us-east-1', forcePathStyle: true, partSize: '5 MiB' },
        conflict: this.#options.conflict,
      },
      retry: { initial: '50 ms', max: '500 ms', probe: '200 ms' },
      log: { format: 'json', level: this.#options.logLevel ?? 'info' },
      ...(clients === undefined ? {} : { ingest: clients.settings(this.#tokens) }),
    };
    writeFileSync(this.#config, JSON.stringify(settings));
  }

  async #drained(daemon: BuiltDaemon): Promise<void> {
    const endMs = performance.now() + DRAIN_PATIENCE_MS;
    while (this.#spooled().size > 0) {
      if (daemon.ended || performance.now() > endMs) throw new Error(`it does not drain:\n${daemon.tail()}`);
      await delay(100);
    }
  }

  async #judge(reader: S3Reader): Promise<Omit<PowerReport, 'cuts' | 'exit' | 'answers'>> {
    const bucket = await reader.inventory();
    const home = join(this.#spool, '.halfpipe');
    const { obligations, everInSpool, lostUnsynced, acceptedFiles, violations } = this.#books;
    const found = judge({
      ...{ obligations, everInSpool, bucket },
      keyOf: (path) => path,
      spool: this.#spooled(),
      quarantine: [],
      foreign: new Map(),
      damaged: new Set(),
      openUploads: await reader.openUploads({ onlyWithParts: true }),
      leftovers: filesBelow(home).filter((path) => !KEPT.test(path)),
      quiet: true,
    });
    return {
      ...{ filesJudged: obligations.length, accepted: acceptedFiles, objects: bucket.size, lostUnsynced },
      violations: [...violations, ...found],
    };
  }

  #spooled(): Map<string, string> {
    // A cut may leave a probe of halfpipe's own in any folder.
    const paths = filesBelow(this.#spool).filter((path) => !/(^|\/)\./.test(path));
    return new Map(paths.flatMap((path) => digestOf(this.#spool, path)));
  }

  /** Names here have no character that would be escaped there. */
  #aside(): Map<string, string> {
    const folder = join(this.#spool, '.halfpipe');
    const kept = filesBelow(folder).filter((path) => /^aside\/|^quarantine\/.*\//.test(path));
    return new Map(
      kept.flatMap((path) => digestOf(folder, path).map(([, it]) => [path.replace(/.*\//, ''), it] as const)),
    );
  }
}

/** Regular files, relative to `folder`; none when it is not there. */
function filesBelow(folder: string): string[] {
  try {
    const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
    return found.map((dirent) => join(dirent.parentPath, dirent.name).slice(folder.length + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Nothing when the file is gone by now. */
function digestOf(folder: string, path: string): [path: string, digest: string][] {
  try {
    return [
      [
        path,
        createHash('sha256')
          .update(readFileSync(join(folder, path)))
          .digest('hex'),
      ],
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

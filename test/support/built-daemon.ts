// The daemon as it is shipped: compiled, a process of its own, told what to do by signals alone. For tests that kill it,
// measure its memory or let it run for long. What it logs is counted and kept as records, not as text.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startFlags } from './start-flags.ts';

/** Far more than anything here takes, even on a busy machine. */
const PATIENCE_MS = 30_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface LogRecord {
  readonly event?: string;
  readonly msg?: string;
  readonly file?: string;
  readonly [field: string]: unknown;
}

/** A bug put into a compiled copy: in a file below dist, one text becomes another. The sources know nothing of it. */
export interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A compiled copy that nobody rebuilds while it is in use; below the repository, so that it finds its packages. */
export class Build {
  readonly #folder: string;

  /** `name` tells it from others of this process. */
  constructor(name = 'built') {
    this.#folder = `${ROOT}var/${name}-${process.pid}`;
  }

  get main(): string {
    return `${this.#folder}/dist/main.js`;
  }

  /** Throws when a patch does not fit: the code has moved on, and the bug would not be there. */
  make(patches: readonly Patch[] = []): void {
    mkdirSync(this.#folder, { recursive: true });
    cpSync(`${ROOT}package.json`, `${this.#folder}/package.json`);
    const compiler = `${ROOT}node_modules/.bin/tsc`;
    execFileSync(compiler, ['-p', `${ROOT}src`, '--outDir', `${this.#folder}/dist`], { stdio: 'inherit' });
    for (const { file, from, to } of patches) {
      const path = `${this.#folder}/dist/${file}`;
      const code = readFileSync(path, 'utf8');
      if (code.split(from).length !== 2) throw new Error(`${file} has not exactly one ${from}`);
      writeFileSync(
        path,
        code.replace(from, () => to),
      );
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Runs from its construction on. */
export class BuiltDaemon {
  readonly pid: number;
  readonly records: LogRecord[] = [];
  /** Lines that are no records: there should be none. */
  readonly strays: string[] = [];
  /** The exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  readonly #child: ChildProcess;
  #ended = false;
  #peakRssBytes = 0;

  constructor(main: string, args: readonly string[], { accessKeyId, secretAccessKey }: Credentials) {
    const child = spawn(process.execPath, [...startFlags(), main, ...args], {
      env: {
        PATH: process.env.PATH,
        // As in the unit.
        UV_THREADPOOL_SIZE: '24',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    createInterface(child.stdout).on('line', (line) => this.#take(line));
    createInterface(child.stderr).on('line', (line) => this.strays.push(line));
    this.exit = once(child, 'close').then(([code, signal]) => {
      this.#ended = true;
      return code ?? signal;
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As systemd stops it. */
  async stop(): Promise<{ readonly exit: number | string; readonly tookMs: number }> {
    const startedMs = performance.now();
    this.readPeakRss();
    this.signal('SIGTERM');
    const sampling = setInterval(() => this.readPeakRss(), 50);
    const exit = await this.exit;
    clearInterval(sampling);
    return { exit, tookMs: performance.now() - startedMs };
  }

  /** Killed if need be. */
  async end(): Promise<void> {
    if (!this.#ended) this.signal('SIGKILL');
    await this.exit;
  }

  of(event: string): LogRecord[] {
    return this.records.filter((record) => record.event === event);
  }

  /** Resolves with the first record of `event`; rejects when it does not come. */
  async says(event: string, matching: (record: LogRecord) => boolean = () => true): Promise<LogRecord> {
    for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await delay(20)) {
      const found = this.of(event).find(matching);
      if (found !== undefined) return found;
      if (this.#ended) break;
    }
    throw new Error(`it never said ${event}:\n${this.tail()}`);
  }

  /** VmHWM of proc_pid_status(5), as of the last look while the process lived. */
  get peakRssBytes(): number {
    this.readPeakRss();
    return this.#peakRssBytes;
  }

  readPeakRss(): void {
    try {
      const [, kib = '0'] =
        /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
      this.#peakRssBytes = Math.max(this.#peakRssBytes, Number(kib) * 1024);
    } catch {
      // It has ended: what was read last stands.
    }
  }

  /** The end of its log, for the message of a failure. */
  tail(lines = 15): string {
    return [...this.records.slice(-lines).map((record) => JSON.stringify(record)), ...this.strays].join('\n');
  }

  #take(line: string): void {
    try {
      this.records.push(JSON.parse(line));
    } catch {
      // Cut short by a kill, most likely; whoever expects none looks at strays.
      this.strays.push(line);
    }
  }
}

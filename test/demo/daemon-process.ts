// The real, built daemon as a child: its configuration written, its log in a file, stopped as systemd would stop it.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/system/clock.ts';
import { startFlags } from '../support/start-flags.ts';

export interface DaemonOptions {
  /** The program, `dist/main.js`. */
  readonly main: string;
  readonly config: string;
  /** Begun anew at each start. */
  readonly log: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** More variables. */
  readonly env: Readonly<Record<string, string>>;
}

/** The daemon's own limit for a stop is 5 s (see configText); three times that is no clean stop any more. */
const STOP_LIMIT_MS = 15_000;
const LAST_LINES = 12;

export class DaemonProcess {
  readonly #options: DaemonOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #end: string | undefined;

  private constructor(options: DaemonOptions, child: ChildProcess) {
    this.#options = options;
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.#end = how;
        resolve(how);
      };
      child.once('exit', (code, signal) => end(signal ?? `code ${code}`));
      child.once('error', (error) => end(error.message));
    });
  }

  static start(options: DaemonOptions): DaemonProcess {
    const log = openSync(options.log, 'w');
    // Own process group, as for the S3 server: a Ctrl-C must not reach the daemon twice.
    const args = [...startFlags(), options.main, 'run', '--config', options.config];
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: environment(options),
    });
    closeSync(log);
    return new DaemonProcess(options, child);
  }

  /** Resolves with how it ended: `code 0` is a clean stop. */
  async stop(): Promise<string> {
    this.#child.kill('SIGTERM');
    const cancel = systemClock.schedule(STOP_LIMIT_MS, () => this.#child.kill('SIGKILL'));
    const end = await this.#exited;
    cancel();
    return end;
  }

  /** A second signal: the daemon gives up what is in flight. */
  hurry(): void {
    this.#child.kill('SIGTERM');
  }

  /** Rejects with how the daemon ended and the end of its log, when it did. */
  async checkAlive(): Promise<void> {
    if (this.#end === undefined) return;
    const lines = (await readFile(this.#options.log, 'utf8')).trimEnd().split('\n').slice(-LAST_LINES);
    throw new Error(`halfpipe ended (${this.#end}); the end of ${this.#options.log}:\n${lines.join('\n')}`);
  }
}

export interface DemoPlace {
  readonly spool: string;
  readonly endpoint: string;
  readonly bucket: string;
  /** Where the page is served; undefined: nowhere. */
  readonly pagePort: number | undefined;
  /** More lines. */
  readonly more: readonly string[];
}

/** Loopback with the 100 Mbit/s of a small uplink, of which halfpipe takes half. */
export function configText({ spool, endpoint, bucket, pagePort, more }: DemoPlace): string {
  return [
    '# Written by npm start; changes are lost.',
    `spool: { path: ${JSON.stringify(spool)}, settle: 1 s, rescan: 5 s }`,
    'link: { interface: lo, capacity: 100 Mbit/s, share: 50 % }',
    `s3: { bucket: ${bucket}, region: us-east-1, endpoint: ${JSON.stringify(endpoint)}, forcePathStyle: true }`,
    'upload: { stopTimeout: 5 s }',
    'log: { level: info, format: json }',
    ...(pagePort === undefined ? [] : [`observe: { listen: ${pagePort} }`]),
    ...more,
    '',
  ].join('\n');
}

/** Nothing of the user's own AWS or halfpipe settings may lead the demo elsewhere. */
function environment({ accessKeyId, secretAccessKey, env }: DaemonOptions): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|HALFPIPE_|NOTIFY_SOCKET$)/.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  };
}

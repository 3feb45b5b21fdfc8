// A Ceph RADOS gateway for one test or bench: started by rgw.sh, in a network namespace where one is named.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('rgw.sh', import.meta.url));

export interface RgwOptions {
  readonly port?: number;
  /** As `ip netns` knows it; absent: where this process runs. */
  readonly namespace?: string;
  /** Where its folder is made; absent: the system's folder for temporary files. */
  readonly parent?: string;
}

/** start() and stop() pair up; stop() may be called twice and never throws. */
export class Rgw {
  static readonly bucket = 'halfpipe';
  static readonly accessKeyId = 'HALFPIPEKEY';
  static readonly secretAccessKey = 'halfpipesecret';
  readonly port: number;
  readonly #namespace: string | undefined;
  readonly #parent: string;
  #folder: string | undefined;

  constructor(options: RgwOptions = {}) {
    this.port = options.port ?? 7480;
    this.#namespace = options.namespace;
    this.#parent = options.parent ?? tmpdir();
  }

  /** Blocks for about 12 s, until the gateway answers. Throws an Error that says what is missing or went wrong. */
  start(): void {
    this.#folder = mkdtempSync(join(this.#parent, 'halfpipe-rgw-'));
    const result = this.#script('up', this.#folder, `${this.port}`, `${this.port + 1}`);
    if (result.status === 0) return;
    this.stop();
    throw new Error(`rgw.sh: ${result.stderr.trim()}`);
  }

  stop(): void {
    if (this.#folder !== undefined) this.#script('down', this.#folder);
    this.#folder = undefined;
  }

  #script(...args: string[]) {
    const enter = this.#namespace === undefined ? [] : ['ip', 'netns', 'exec', this.#namespace];
    const [command = SCRIPT, ...rest] = [...enter, SCRIPT, ...args];
    return spawnSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

// Producers on a network of their own beside the link, which upload to the tool under test as fast
// as they are answered.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { LAN_ADDRESS, type LinkTestbed } from './link-testbed.ts';
import { usageOf } from './process-usage.ts';
import { scriptCommand } from './recorder.ts';
import { threadSeconds } from './thread-usage.ts';
import type { UploadJob, UploadTally } from './upload-clients.ts';

export const INGEST_PORT = 9400;

/** What became of the uploads, and who had the CPU meanwhile. */
export interface Produced {
  readonly uploadsPerSec: number;
  readonly others: number;
  /** In percent of a core, of the measured span: threads of the tool, and what is beside it. */
  readonly cpuPercent: Readonly<Record<string, number>>;
}

type Load = Pick<UploadJob, 'clients' | 'fileBytes' | 'authorization' | 'seconds'>;

export class Producers {
  readonly #child: ChildProcess;
  readonly #tally: Promise<UploadTally>;
  readonly #pids: readonly [toolPid: number, serverPid: number | undefined];
  #beforeMs = 0;
  #before: ReadonlyMap<string, number> = new Map();

  /** They begin at once. */
  constructor(testbed: LinkTestbed, pids: readonly [number, number | undefined], load: Load) {
    this.#pids = pids;
    const job: UploadJob = { ...load, address: LAN_ADDRESS, port: INGEST_PORT, path: '/v1/files/produced-' };
    const [command = '', ...args] = scriptCommand('upload-clients.ts');
    const child = testbed.spawn('lan', command, [...args, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    this.#child = child;
    this.#tally = once(child, 'close').then(([code]) => {
      if (code !== 0) throw new Error(`the producers ended with ${code}`);
      return JSON.parse(printed);
    });
    // Awaited later, and perhaps not at all.
    this.#tally.catch(() => undefined);
  }

  /** The measured span begins. */
  mark(): void {
    this.#beforeMs = performance.now();
    this.#before = this.#seconds();
  }

  /** The CPU shares from mark() until now; the tally comes when the last upload is answered. */
  async end(): Promise<Produced> {
    const after = this.#seconds();
    const spanMs = performance.now() - this.#beforeMs;
    const shares = [...after].map(([name, seconds]) => [
      name,
      ((seconds - (this.#before.get(name) ?? 0)) * 1e5) / spanMs,
    ]);
    const { uploads, seconds, others } = await this.#tally;
    return {
      uploadsPerSec: uploads / seconds,
      others: Object.values(others).reduce((sum, one) => sum + one, 0),
      cpuPercent: Object.fromEntries(shares.filter(([, percent]) => Number(percent) >= 0.5)),
    };
  }

  stop(): void {
    if (this.#child.exitCode === null) spawnSync('kill', ['-KILL', `${this.#child.pid}`]);
  }

  #seconds(): ReadonlyMap<string, number> {
    const [toolPid, serverPid] = this.#pids;
    return new Map([
      ...threadSeconds(toolPid),
      ['the clients', usageOf(this.#child.pid ?? 0).cpuSeconds],
      ['the S3 server', usageOf(serverPid ?? 0).cpuSeconds],
    ]);
  }
}

// npm run bench:ingest-crowd: what hundreds of slow clients and thousands of idle connections do to
// the daemon's memory, what they are answered, and whether a good client is served meanwhile.
// Asserts nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CrowdJob, CrowdKind, CrowdTally } from './crowd-clients.ts';
import { usageOf } from './process-usage.ts';
import { scriptCommand } from './recorder.ts';
import { runTag } from './run-tag.ts';
import type { UploadJob } from './upload-clients.ts';
import { halfpipe, type RunningServer } from './upload-servers.ts';

const USAGE = `npm run bench:ingest-crowd -- [options]
  --crowds a,b         slow:500,slow-default:500,silent:10000,kept:10000 (all)
  --seconds 40         how long the crowd is there; a slow client is refused after 20 s
  --rate 50            bytes a second that a slow client sends
  --disk DIR           where the spool is made (./var/bench)
The limit of open files must be above the crowd's size in this shell: ulimit -n 20000`;

const { values } = parseArgs({
  options: {
    crowds: { type: 'string', default: 'slow:500,slow-default:500,silent:10000,kept:10000' },
    seconds: { type: 'string', default: '40' },
    rate: { type: 'string', default: '50' },
    disk: { type: 'string', default: './var/bench' },
    help: { type: 'boolean', default: false },
  },
});

const ADDRESS = '127.0.0.1';
const SAMPLE_MS = 250;
const QUIET_SECONDS = 5;
/** Its memory is judged when it has worked: a first burst makes the heap grow once. */
const WARM_UP = { clients: 128, fileBytes: 20_000, seconds: 5 };
const FILE = Buffer.alloc(20_000, 'good');

interface Served {
  readonly status: number | string;
  readonly tookMs: number;
}

/** Uploads one file every 250 ms, over a connection of its own, and takes the memory each time. */
class Observation {
  readonly rssBytes: number[] = [];
  readonly served: Served[] = [];
  readonly #running: RunningServer;
  #nth = 0;

  constructor(running: RunningServer) {
    this.#running = running;
  }

  async observe(seconds: number): Promise<void> {
    this.rssBytes.length = 0;
    this.served.length = 0;
    const uploads: Promise<void>[] = [];
    for (let n = 0; n < (seconds * 1000) / SAMPLE_MS; n += 1) {
      uploads.push(this.#upload());
      this.rssBytes.push(rssOf(this.#running.pid));
      await delay(SAMPLE_MS);
    }
    await Promise.all(uploads);
  }

  async #upload(): Promise<void> {
    this.#nth += 1;
    const { port, path, authorization } = this.#running;
    const [name = '', value = ''] = authorization.trim().split(': ');
    const beganMs = performance.now();
    const status = await new Promise<number | string>((resolve) => {
      const upload = request(
        {
          ...{ host: ADDRESS, port, path: `${path}good-${process.pid}-${this.#nth}.bin` },
          ...{ method: 'PUT', agent: false, headers: { [name]: value, 'Content-Length': FILE.length } },
        },
        (response) => {
          response.resume();
          response.once('close', () => resolve(response.statusCode ?? 0));
        },
      );
      upload.once('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}`));
      upload.end(FILE);
    });
    this.served.push({ status, tookMs: performance.now() - beganMs });
  }
}

function rssOf(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** Started, and how it stands once a second. */
function startCrowd(job: CrowdJob): { child: ChildProcess; tally: () => CrowdTally | undefined } {
  const [command = '', ...args] = scriptCommand('crowd-clients.ts');
  const child = spawn(command, [...args, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last: CrowdTally | undefined;
  createInterface(child.stdout).on('line', (line) => {
    last = JSON.parse(line);
  });
  return { child, tally: () => last };
}

async function warmUp({ port, path, authorization }: RunningServer): Promise<void> {
  const job: UploadJob = { ...WARM_UP, address: ADDRESS, port, path: `${path}warm-`, authorization };
  const [command = '', ...args] = scriptCommand('upload-clients.ts');
  const child = spawn(command, [...args, JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((done) => child.once('close', done));
}

function summary(observation: Observation): string {
  const mb = observation.rssBytes.map((bytes) => bytes / 1e6).toSorted((a, b) => a - b);
  const took = observation.served.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const good = observation.served.filter(({ status }) => status === 201).length;
  const others = observation.served.filter(({ status }) => status !== 201).map(({ status }) => status);
  const memory = `${mb.at(0)?.toFixed(0)}–${mb.at(-1)?.toFixed(0)} MB`;
  const times = `median ${took[took.length >> 1]?.toFixed(0)} ms, most ${took.at(-1)?.toFixed(0)} ms`;
  return `${memory}; good client: ${good} × 201${others.map((one) => `, ${one}`).join('')}; ${times}`;
}

async function crowd(title: string, kind: CrowdKind, clients: number, folder: string, limits: object) {
  const running = await halfpipe({ ...limits }).start(folder);
  let child: ChildProcess | undefined;
  try {
    const { port, path, authorization } = running;
    console.log(`${title}, ${clients} clients\n  started: ${(rssOf(running.pid) / 1e6).toFixed(0)} MB`);
    await warmUp(running);
    const observation = new Observation(running);
    await observation.observe(QUIET_SECONDS);
    console.log(`  before:  ${summary(observation)}`);
    const bytesPerSec = Number(values.rate);
    const crowd = startCrowd({
      ...{ kind, address: ADDRESS, port, path: `${path}slow-`, authorization, clients, bytesPerSec },
    });
    child = crowd.child;
    const cpuSeconds = usageOf(running.pid).cpuSeconds;
    await observation.observe(Number(values.seconds));
    const cpu = ((usageOf(running.pid).cpuSeconds - cpuSeconds) / Number(values.seconds)) * 100;
    console.log(`  during:  ${summary(observation)}; ${cpu.toFixed(0)} % of a core`);
    console.log(`  crowd:   ${JSON.stringify(crowd.tally())}`);
    child.kill('SIGKILL');
    await observation.observe(QUIET_SECONDS);
    console.log(`  after:   ${summary(observation)}`);
  } finally {
    child?.kill('SIGKILL');
    await running.stop();
  }
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const parent = resolve(values.disk);
  mkdirSync(parent, { recursive: true });
  for (const one of values.crowds.split(',')) {
    const [name = '', clients] = one.split(':');
    const kind = (['slow', 'silent', 'kept'] as const).find((word) => name.startsWith(word));
    if (kind === undefined) throw new Error(`--crowds ${one}: see --help`);
    const folder = mkdtempSync(join(parent, `${runTag()}-`));
    // The limit that is there by itself lets 128 of them in; above it, each is let in.
    const limits = name === 'slow' ? { maxConcurrent: Number(clients) + 16 } : {};
    try {
      await crowd(name, kind, Number(clients), folder, limits);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

await main();

// npm run bench:ingest: uploads a second over HTTP into the daemon, which answers 201 once the file
// and its name are on the disk, beside nginx's WebDAV PUT, which syncs nothing, and beside what the
// disk itself manages. In turns; the median of the rounds is printed. Asserts nothing.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchDisk } from './bench-disk.ts';
import type { DiskTally } from './disk-limit.ts';
import { usageOf } from './process-usage.ts';
import { scriptCommand } from './recorder.ts';
import { runTag } from './run-tag.ts';
import type { UploadJob, UploadTally } from './upload-clients.ts';
import { halfpipe, nginx, type RunningServer, type UploadServer } from './upload-servers.ts';

const USAGE = `npm run bench:ingest -- [options]
  --size 20KB,20MB       sizes of files
  --clients 1,16,128     how many upload at once
  --servers a,b          halfpipe,nginx,disk (all that are installed)
  --rounds 3             the median is printed
  --seconds 3            new uploads begin for so long
  --disk DIR             a folder on the disk to measure, or loop: an ext4 in memory (./var/bench)`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '20KB,20MB' },
    clients: { type: 'string', default: '1,16,128' },
    servers: { type: 'string', default: 'halfpipe,nginx,disk' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    disk: { type: 'string', default: './var/bench' },
    help: { type: 'boolean', default: false },
  },
});

const SIZES: Readonly<Record<string, number>> = { '20KB': 20_000, '1MB': 1_000_000, '20MB': 20_000_000 };
/** Spools of smaller files are removed when all is measured. */
const REMOVED_AT_ONCE_BYTES = 1_000_000;
const WARM_UP = { clients: 16, fileBytes: 20_000, seconds: 1 };
const ADDRESS = '127.0.0.1';

interface Measured {
  readonly uploadsPerSec: number;
  /** Undefined of the disk. */
  readonly server?: {
    readonly medianMs: number;
    readonly p99Ms: number;
    readonly cpuMsAnUpload: number;
    readonly cpuPercent: number;
    readonly clientsCpuPercent: number;
    readonly peakRssBytes: number;
  };
}

type Contender = { readonly name: string; measure(folder: string, load: Load): Promise<Measured> };
type Load = Pick<UploadJob, 'clients' | 'fileBytes' | 'seconds'>;

const disk: Contender = {
  name: 'disk',
  async measure(folder, { clients, fileBytes, seconds }) {
    const args = [folder, clients, fileBytes, seconds].map(String);
    const tally: DiskTally = await runScript('disk-limit.ts', args, { UV_THREADPOOL_SIZE: `${clients}` });
    return { uploadsPerSec: tally.files / tally.seconds };
  },
};

function contender(server: UploadServer): Contender {
  return {
    name: server.name,
    async measure(folder, load) {
      const running = await server.start(folder);
      try {
        return await measureServer(running, load);
      } finally {
        await running.stop();
      }
    },
  };
}

async function measureServer(running: RunningServer, load: Load): Promise<Measured> {
  const warm = await upload(running, 'warm-', WARM_UP);
  const before = usageOf(running.pid).cpuSeconds;
  const tally = await upload(running, '', load);
  const { cpuSeconds, peakRssBytes } = usageOf(running.pid);
  const arrived = readdirSync(running.spool).filter((name) => name.endsWith('.bin')).length;
  if (arrived !== warm.uploads + tally.uploads)
    throw new Error(`${arrived} files arrived, and ${warm.uploads + tally.uploads} were answered with 201`);
  const others = Object.entries(tally.others).map(([what, times]) => `${times} × ${what}`);
  if (others.length > 0) console.log(`not answered with 201: ${others.join(', ')}`);
  return {
    uploadsPerSec: tally.uploads / tally.seconds,
    server: {
      ...{ medianMs: tally.medianMs, p99Ms: tally.p99Ms, peakRssBytes },
      cpuMsAnUpload: (1000 * (cpuSeconds - before)) / tally.uploads,
      cpuPercent: (100 * (cpuSeconds - before)) / tally.seconds,
      clientsCpuPercent: (100 * tally.cpuSeconds) / tally.seconds,
    },
  };
}

function upload(running: RunningServer, prefix: string, load: Load): Promise<UploadTally> {
  const { port, path, authorization } = running;
  const job: UploadJob = { ...load, address: ADDRESS, port, path: `${path}${prefix}`, authorization };
  return runScript('upload-clients.ts', [JSON.stringify(job)]);
}

/** The last line that it prints, which is JSON. */
function runScript<Tally>(
  name: string,
  more: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Tally> {
  const [command = '', ...args] = scriptCommand(name);
  const child = spawn(command, [...args, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(printed)) : reject(new Error(`${name} ended with ${code}`)),
    );
  });
}

function median(all: readonly Measured[]): Measured | undefined {
  return all.toSorted((a, b) => a.uploadsPerSec - b.uploadsPerSec)[Math.floor(all.length / 2)];
}

function row(size: string, clients: number, name: string, all: readonly Measured[], fileBytes: number) {
  const middle = median(all);
  if (middle === undefined) return '';
  const { uploadsPerSec, server } = middle;
  const rates = all.map((one) => one.uploadsPerSec);
  const digits = uploadsPerSec < 20 ? 1 : 0;
  const costs =
    server === undefined
      ? ['–', '–', '–', '–', '–']
      : [
          `${server.medianMs.toFixed(1)} / ${server.p99Ms.toFixed(1)}`,
          server.cpuMsAnUpload.toFixed(2),
          server.cpuPercent.toFixed(0),
          server.clientsCpuPercent.toFixed(0),
          (server.peakRssBytes / 1e6).toFixed(0),
        ];
  const cells = [
    ...[size, clients, name, uploadsPerSec.toFixed(digits)],
    `${Math.min(...rates).toFixed(digits)}–${Math.max(...rates).toFixed(digits)}`,
    ...[((uploadsPerSec * fileBytes) / 1e6).toFixed(1), ...costs],
  ];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const wanted = values.servers.split(',');
  const servers = [halfpipe(), nginx].filter(({ name }) => wanted.includes(name));
  const lacking = servers.map((server) => server.missing()).find((one) => one !== undefined);
  if (lacking !== undefined) throw new Error(lacking);
  const contenders = [...servers.map(contender), ...(wanted.includes('disk') ? [disk] : [])];
  const place = benchDisk(values.disk);
  console.log(`${servers.map((server) => server.version()).join(', ')}; on ${place.description}`);
  console.log(
    '| files | clients | server | uploads/s | least–most | MB/s | median / p99 ms | CPU ms an upload | CPU, % of a core | clients, % | peak MB |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  const folder = mkdtempSync(join(place.folder, `${runTag()}-`));
  try {
    for (const size of values.size.split(','))
      for (const clients of values.clients.split(',').map(Number))
        await inTurns(contenders, folder, size, clients);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    place.remove();
  }
}

/**
 * A spool is new for each measurement. Files that were removed a moment ago would slow the next
 * ones down: ext4 gives the number of an inode to no other file for 5 s, and where thousands are
 * barred it looks at each of them for each new file.
 */
async function inTurns(contenders: readonly Contender[], parent: string, size: string, clients: number) {
  const fileBytes = SIZES[size];
  if (fileBytes === undefined) throw new Error(`--size ${size}: ${Object.keys(SIZES).join(', ')}`);
  const measured = new Map<string, Measured[]>();
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const { name, measure } of contenders) {
      const folder = mkdtempSync(join(parent, 'trial-'));
      try {
        const load = { clients, fileBytes, seconds: Number(values.seconds) };
        measured.set(name, [...(measured.get(name) ?? []), await measure(folder, load)]);
      } finally {
        if (fileBytes >= REMOVED_AT_ONCE_BYTES) rmSync(folder, { recursive: true, force: true });
        // What one leaves to be written must not slow the next one down.
        execFileSync('sync', ['--file-system', parent]);
      }
    }
  for (const [name, all] of measured) console.log(row(size, clients, name, all, fileBytes));
}

await main();

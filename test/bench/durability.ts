// npm run bench:durability [-- --files 2000 --rounds 5]: what bringing each file to the disk before it is sent costs, as
// root. The compiled daemon with and without it, in turns, drains small files that were written a moment ago and never
// synced, from an ext4 on a loop device and from a tmpfs, to a server that only hashes, on a link that is never the
// limit. Prints the median of files per second. Asserts nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Build, BuiltDaemon } from '../support/built-daemon.ts';
import { BUGS } from '../system/power/bugs.ts';
import { LoopDisk } from '../system/power/loop-disk.ts';
import { usageOf } from './process-usage.ts';

const PORT = 7541;
const FILE_BYTES = 20_000;
const KEYS = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };

const { values } = parseArgs({
  options: { files: { type: 'string', default: '2000' }, rounds: { type: 'string', default: '5' } },
});
const [files, rounds] = [Number(values.files), Number(values.rounds)];

const builds = { with: new Build('with-sync'), without: new Build('without-sync') };
const folders = { ext4: new LoopDisk('ext4'), tmpfs: mkdtempSync('/dev/shm/halfpipe-durability-') };
let trials = 0;
const server = await startServer();
try {
  builds.with.make();
  builds.without.make(Object.values(BUGS).flat());
  for (const [disk, folder] of Object.entries(folders)) {
    const base = typeof folder === 'string' ? folder : folder.path;
    const trials = { without: [] as Drained[], with: [] as Drained[] };
    for (let round = 0; round < rounds; round += 1)
      for (const which of ['without', 'with'] as const)
        trials[which].push(await drain(base, builds[which].main));
    for (const [which, drained] of Object.entries(trials)) {
      const rates = drained.map(({ filesPerSec }) => filesPerSec);
      const cpu = median(drained.map(({ cpuMsAFile }) => cpuMsAFile)).toFixed(2);
      const all = rates.map((rate) => rate.toFixed(0)).join(', ');
      console.log(`${disk}, ${which}: ${median(rates).toFixed(0)} files/s (${all}), ${cpu} ms of CPU a file`);
    }
  }
} finally {
  server.kill();
  for (const build of Object.values(builds)) build.remove();
  folders.ext4.remove();
  rmSync(folders.tmpfs, { recursive: true, force: true });
}

interface Drained {
  readonly filesPerSec: number;
  /** Of the daemon, with what the kernel does on its behalf. */
  readonly cpuMsAFile: number;
}

/** From the first file's removal to the last one's. */
async function drain(base: string, main: string): Promise<Drained> {
  const [spool, config] = [join(base, 'spool'), join(base, 'halfpipe.json')];
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool);
  const settings = {
    spool: { path: spool, settle: '0 s' },
    link: { interface: 'lo', capacity: '100 Gbit/s' },
    s3: { bucket: 'bench', endpoint: `http://127.0.0.1:${PORT}`, region: 'us-east-1', forcePathStyle: true },
    log: { format: 'json', level: 'warn' },
  };
  writeFileSync(config, JSON.stringify(settings));
  trials += 1;
  // Names of its own: what the server has already is another case.
  for (let nth = 0; nth < files; nth += 1)
    writeFileSync(join(spool, `${trials}-${nth}`), randomBytes(FILE_BYTES));
  const left = () => readdirSync(spool).filter((name) => !name.startsWith('.')).length;
  const daemon = new BuiltDaemon(main, ['run', '--config', config], KEYS);
  try {
    while (left() >= files && !daemon.ended) await delay(5);
    const [begunMs, first, before] = [performance.now(), left(), usageOf(daemon.pid).cpuSeconds];
    while (left() > 0 && !daemon.ended) await delay(5);
    if (left() > 0) throw new Error(`it ended by itself:\n${daemon.tail()}`);
    const spanMs = performance.now() - begunMs;
    const cpuMs = 1000 * (usageOf(daemon.pid).cpuSeconds - before);
    return { filesPerSec: (1000 * first) / spanMs, cpuMsAFile: cpuMs / first };
  } finally {
    await daemon.end();
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function startServer(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('null-s3.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, `${PORT}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

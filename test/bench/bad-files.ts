// How fast good files drain behind bad ones, kind by kind, beside the good ones alone in the same run:
//   node --import tsx test/bench/bad-files.ts [GOOD [BAD [KIND…]]]
// Prints a table and asserts nothing. The compiled daemon against the null server on loopback: the processor is the limit.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BuiltDaemon } from '../support/built-daemon.ts';
import type { Refusal } from './null-s3.ts';

/** What makes the files in the folder of the kind's name bad; without a refusal a lease is held on each. */
const KINDS: Readonly<Record<string, readonly Refusal[]>> = {
  name: [{ key: '^name/', status: 400, code: 'XSomethingOdd' }],
  'name beside good ones': [{ key: 'bad', status: 400, code: 'XSomethingOdd' }],
  denied: [{ key: 'bad', status: 403, code: 'AccessDenied' }],
  'denied prefix': [{ key: '^denied prefix/', status: 403, code: 'AccessDenied' }],
  405: [{ key: 'bad', status: 405, code: 'MethodNotAllowed' }],
  413: [{ key: 'bad', status: 413, code: 'EntityTooLarge' }],
  501: [{ key: 'bad', status: 501, code: 'NotImplemented' }],
  500: [{ key: 'bad', status: 500, code: 'InternalError' }],
  leased: [],
};
const BESIDE = new Set(['name beside good ones']);
const SIZE_BYTES = 20_000;
const LIMIT_MS = 300_000;
const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const LEASES = `use Fcntl; $SIG{IO} = 'IGNORE'; for (@ARGV) { open(my $h, '+<', $_) or die; fcntl($h, 1024, 1) or die "lease: $!"; push @f, $h }
  print "leased\\n"; $| = 1; print "\\n"; sleep 600;`;

interface Run {
  readonly filesPerSec: number;
  readonly badTried: number;
  /** Processor time of the daemon: on a machine that others use, it tells more than the rate. */
  readonly cpuMsPerFile: number;
}

const [good = 5_000, bad = 1_000] = process.argv.slice(2, 4).map(Number);
const wanted = process.argv.slice(4);
const kinds = wanted.length > 0 ? wanted : [...Object.keys(KINDS), 'mixed'];
console.log(
  `${good} good files of ${SIZE_BYTES} bytes behind ${bad} older bad ones; files/s of the good ones`,
);
console.log(
  'kind                      alone   beside bad   ratio   CPU ms/file alone, beside   bad ones tried',
);
for (const kind of kinds) {
  const before = await drain([]);
  const beside = await drain(kind === 'mixed' ? Object.keys(KINDS) : [kind]);
  const after = await drain([]);
  const alone = (before.filesPerSec + after.filesPerSec) / 2;
  const figures = [alone.toFixed(0).padStart(6), beside.filesPerSec.toFixed(0).padStart(12)];
  const ratio = (beside.filesPerSec / alone).toFixed(2).padStart(8);
  const cpuMs = [(before.cpuMsPerFile + after.cpuMsPerFile) / 2, beside.cpuMsPerFile].map((ms) =>
    ms.toFixed(2),
  );
  console.log(
    `${kind.padEnd(25)}${figures.join(' ')}${ratio}   ${cpuMs.join(', ').padEnd(27)}${beside.badTried}`,
  );
}

async function drain(of: readonly string[]): Promise<Run> {
  const base = mkdtempSync(join(tmpdir(), 'halfpipe-bad-'));
  const spool = join(base, 'spool');
  const leased: string[] = [];
  const paths = of.flatMap((kind) => {
    const folder = BESIDE.has(kind) ? 'good' : kind;
    const made = Array.from(
      { length: Math.round(bad / of.length) },
      (_, at) => `${folder}/bad ${kind} ${at}`,
    );
    if (kind === 'leased') leased.push(...made.map((path) => join(spool, path)));
    return made;
  });
  for (const [at, path] of paths.entries()) put(join(spool, path), 90_000 - at / 10);
  for (let at = 0; at < good; at += 1) put(join(spool, `good/${at}`), 3_600);
  const refusals = of.flatMap((kind) => KINDS[kind] ?? []);
  const server = fork(
    fileURLToPath(new URL('null-s3.ts', import.meta.url)),
    ['0', '60000', JSON.stringify(refusals)],
    {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  );
  const holder = leased.length === 0 ? undefined : await holdLeases(leased);
  const [listening] = await once(server.stdout as NodeJS.ReadableStream, 'data');
  const port = /\d+/.exec(`${listening}`)?.[0];
  const config = join(base, 'config.json');
  writeFileSync(config, JSON.stringify(configOf(spool, `http://127.0.0.1:${port}`)));
  const daemon = new BuiltDaemon(MAIN, ['run', '--config', config], CREDENTIALS);
  try {
    return await measure(daemon);
  } finally {
    await daemon.end();
    for (const child of [server, holder]) child?.kill('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  }
}

async function measure(daemon: BuiltDaemon): Promise<Run> {
  const isGood = ({ file }: { readonly file?: string }) => /^good\/\d+$/.test(file ?? '');
  const goods = () => daemon.of('uploaded').filter(isGood);
  await daemon.says('uploaded', isGood);
  for (const endMs = performance.now() + LIMIT_MS; goods().length < good && performance.now() < endMs; )
    await delay(100);
  const [ready] = daemon.of('ready');
  const last = goods().at(-1);
  const tookMs = Date.parse(`${last?.time}`) - Date.parse(`${ready?.time}`);
  const failed = daemon.records.filter(({ event, file = '' }) => event === 'deferred' && /bad/.test(file));
  const gone = goods().length;
  return {
    filesPerSec: (gone * 1_000) / tookMs,
    badTried: new Set(failed.map(({ file }) => file)).size,
    cpuMsPerFile: cpuMsOf(daemon.pid) / gone,
  };
}

/** User and system time of proc_pid_stat(5), in ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function configOf(path: string, endpoint: string) {
  return {
    spool: { path, settle: '0 s' },
    s3: { bucket: 'inbox', endpoint, forcePathStyle: true, region: 'us-east-1' },
    link: { interface: 'lo', capacity: '10 Gbit/s' },
    log: { format: 'json' },
  };
}

function put(path: string, ageS: number): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, Buffer.alloc(SIZE_BYTES, path));
  const modifiedS = Date.now() / 1_000 - ageS;
  utimesSync(path, modifiedS, modifiedS);
}

/** As an NFS or SMB server does: whoever opens the file is told EAGAIN. */
async function holdLeases(paths: readonly string[]): Promise<ChildProcess> {
  const holder = spawn('perl', ['-e', LEASES, ...paths], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return holder;
}

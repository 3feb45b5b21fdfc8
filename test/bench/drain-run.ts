// One drain of one spool by one tool. A batch tool is measured from its first request until it ends: rclone reads a large
// file before it sends it. A daemon starts once, so it is measured from its first upload until the spool is empty, and its
// start is told apart.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Job } from './drain-contenders.ts';
import { type Beginning, type DrainServer, filesIn } from './drain-server.ts';
import { usageOf } from './process-usage.ts';
import { monotonicMs } from './recorder.ts';
import { threadSeconds } from './thread-usage.ts';

export interface DrainFigures {
  readonly files: number;
  readonly filesPerSec: number;
  readonly mbPerSec: number;
  readonly cpuMsPerFile: number;
  readonly cpuSecPerGb: number;
  readonly peakMb: number;
  /** Of all kinds, and content in them; undefined of a server that does not say. */
  readonly requestsPerFile: number | undefined;
  readonly sentBytesPerFile: number | undefined;
  readonly firstUploadSec: number;
  /** Of the whole process tree until the measurement begins. */
  readonly startCpuSec: number;
  /** Of a core; undefined of a server that does not say. */
  readonly serverCpuPercent: number | undefined;
  /** CPU-µs a file, by the name of the thread; empty for a tool that ends by itself. */
  readonly threadsUsPerFile: ReadonlyMap<string, number>;
}

const POLL_MS = 50;
const START_LIMIT_MS = 60_000;

/** Ends after `limitSec` in any case. Throws an Error that says what went wrong; the log is in the job's folder. */
export async function drainOnce(
  contender: Contender,
  job: Job,
  server: DrainServer,
  files: { readonly count: number; readonly bytes: number },
  limitSec: number,
): Promise<DrainFigures> {
  const before = await server.stats();
  const uploads = server.begins(!contender.ends, job.spool);
  // The first packet counts once it is removed: its upload began when all its files had been read.
  const begins = contender.packs ? uploads.then(() => firstRemoval(job.spool, files.count)) : uploads;
  const startMs = monotonicMs();
  const { shell, pid, ended } = await launch(contender, job);
  try {
    const first = await beginning(begins, ended);
    const start = { cpu: usageOf(shell.pid ?? 0).cpuSeconds, threads: threadSeconds(pid) };
    const goneBefore = contender.packs ? files.count - filesIn(job.spool) : 0;
    let [peakRssBytes, done] = [0, 0];
    let isEmpty = false;
    while (monotonicMs() - first.atMs < limitSec * 1000) {
      peakRssBytes = Math.max(peakRssBytes, usageOf(pid).peakRssBytes);
      const left = filesIn(job.spool);
      done = contender.packs
        ? files.count - left
        : (await server.objects(job.spool, files.count)) - before.objects;
      isEmpty = done >= files.count && left === 0;
      if (isEmpty) break;
      // The last file leaves within milliseconds of its PUT.
      await sleep(done >= files.count ? 2 : POLL_MS);
    }
    const endMs = monotonicMs();
    if (contender.ends && isEmpty) await ended;
    const threads = threadSeconds(pid);
    const cpuSeconds = usageOf(shell.pid ?? 0).cpuSeconds - start.cpu;
    const after = await server.stats();
    const all = done;
    done -= goneBefore;
    const [seconds, gb] = [(endMs - first.atMs) / 1000, (done * files.bytes) / 1e9];
    const spent = [...threads].map(([name, sec]): [string, number] => [
      name,
      (1e6 * (sec - (start.threads.get(name) ?? 0))) / done,
    ]);
    return {
      files: all,
      requestsPerFile: after.requests && (after.requests - (before.requests ?? 0)) / all,
      sentBytesPerFile: after.bytes && (after.bytes - (before.bytes ?? 0)) / all,
      ...{ filesPerSec: done / seconds, mbPerSec: (1000 * gb) / seconds },
      ...{ cpuMsPerFile: (1000 * cpuSeconds) / done, cpuSecPerGb: cpuSeconds / gb },
      ...{
        peakMb: peakRssBytes / 1e6,
        startCpuSec: start.cpu,
        firstUploadSec: ((after.firstUploadMs ?? first.atMs) - startMs) / 1000,
      },
      serverCpuPercent: after.cpuSeconds && (100 * (after.cpuSeconds - (first.serverCpuSec ?? 0))) / seconds,
      threadsUsPerFile: new Map(contender.ends ? [] : spent.sort(([, a], [, b]) => b - a)),
    };
  } finally {
    await end(shell, pid);
  }
}

async function firstRemoval(spool: string, count: number): Promise<Beginning> {
  while (filesIn(spool) === count) await sleep(5);
  return { atMs: monotonicMs(), serverCpuSec: undefined };
}

/** The shell outlives the tool: the kernel adds what an ended child has spent to its parent. */
const SHELL = '"$@" >"$LOG" 2>&1 </dev/null & child=$!; echo $child; wait $child; echo ended; read _';

interface Running {
  readonly shell: ChildProcess;
  readonly pid: number;
  /** The tool is gone, the shell is not. */
  readonly ended: Promise<unknown>;
}

async function launch(contender: Contender, job: Job): Promise<Running> {
  const { command, args, env } = contender.invocation(job);
  const shell = spawn('sh', ['-c', SHELL, 'sh', command, ...args], {
    env: { ...env, LOG: join(job.folder, 'log') },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(shell.stdout, 'data');
  return { shell, pid: Number(line), ended: once(shell.stdout, 'data') };
}

async function beginning(begins: Promise<Beginning>, ended: Promise<unknown>): Promise<Beginning> {
  const late = sleep(START_LIMIT_MS, undefined, { ref: false });
  const came = await Promise.race([begins, Promise.race([ended, late]).then(() => undefined)]);
  if (came === undefined) throw new Error('no upload came');
  return came;
}

async function end(shell: ChildProcess, pid: number): Promise<void> {
  const exited = once(shell, 'exit');
  if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGTERM');
  shell.stdin?.end();
  if (await Promise.race([exited.then(() => true), sleep(5_000, false, { ref: false })])) return;
  if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  await exited;
}

// What a daemon with nothing to do takes, and how long a file that is dropped into its empty spool stays there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './drain-contenders.ts';
import { discardServer } from './drain-server.ts';
import { usageOf } from './process-usage.ts';

/** Long enough for a daemon that gives memory back after half a minute. */
const WARM_UP_MS = 40_000;
const IDLE_MS = 60_000;
const DROPS = 200;
const DROP_EVERY_MS = 100;
const DROPPED_BYTES = 20_000;
const LIMIT_MS = 10_000;

/** For people; takes two minutes. */
export async function idleRow(contender: Contender, parent: string): Promise<string> {
  const folder = join(parent, 'idle');
  rmSync(folder, { recursive: true, force: true });
  const spool = join(folder, 'spool');
  mkdirSync(spool, { recursive: true });
  const server = await discardServer(false);
  const { command, args, env } = contender.invocation({ ...server, spool, folder, prefix: 'idle' });
  const log = openSync(join(folder, 'log'), 'w');
  const child = spawn(command, args, { env, stdio: ['ignore', log, log] });
  const pid = child.pid ?? 0;
  try {
    await sleep(WARM_UP_MS);
    const begun = usageOf(pid);
    await sleep(IDLE_MS);
    const idle = usageOf(pid);
    const cpuPercent = (100_000 * (idle.cpuSeconds - begun.cpuSeconds)) / IDLE_MS;
    const staysMs: number[] = [];
    for (let n = 0; n < DROPS; n++) {
      staysMs.push(stayMs(folder, spool, `f${n}.bin`));
      await sleep(DROP_EVERY_MS);
    }
    staysMs.sort((a, b) => a - b);
    const [median, p99] = [0.5, 0.99].map((part) => staysMs[Math.floor(part * DROPS)]?.toFixed(1));
    const mb = (bytes: number) => (bytes / 1e6).toFixed(0);
    return (
      `${contender.name}: idle ${mb(idle.rssBytes)} MB, ${cpuPercent.toFixed(2)} % of a core; ` +
      `from drop to removal ${median} ms (median), ${p99} ms (99 of 100); ` +
      `after ${DROPS} files ${mb(usageOf(pid).rssBytes)} MB, peak ${mb(usageOf(pid).peakRssBytes)} MB`
    );
  } finally {
    closeSync(log);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    server.stop();
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Until the file has no name any more, wherever it was set aside. Blocks, looks every quarter of a millisecond. */
function stayMs(aside: string, spool: string, name: string): number {
  const whole = join(aside, name);
  writeFileSync(whole, Buffer.alloc(DROPPED_BYTES, name));
  const file = openSync(whole, 'r');
  try {
    const startMs = performance.now();
    renameSync(whole, join(spool, name));
    for (;;) {
      const tookMs = performance.now() - startMs;
      if (fstatSync(file).nlink === 0) return tookMs;
      if (tookMs > LIMIT_MS) throw new Error(`${name} stays in the spool, see ${aside}/log`);
      Atomics.wait(never, 0, 0, 0.25);
    }
  } finally {
    closeSync(file);
  }
}

// What a tool costs the machine: CPU time and peak memory of a process and everything it started, from proc(5).
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { errnoOf } from '../../src/system/fault.ts';

export interface Usage {
  readonly cpuSeconds: number;
  /** Sum of the peaks of the processes alive now. */
  readonly peakRssBytes: number;
  readonly rssBytes: number;
}

// USER_HZ is 100 on every Linux that Node runs on, see time(7)
const TICKS_PER_SEC = 100;

/** CPU time of all cores since boot: what was spent, and what there was to spend. */
export function machineTicks(): { readonly busy: number; readonly all: number } {
  const times = cpus().map(({ times: core }) => core);
  const idle = times.reduce((sum, core) => sum + core.idle, 0);
  const busy = times.reduce((sum, core) => sum + core.user + core.nice + core.sys + core.irq, 0);
  return { busy, all: busy + idle };
}

/** Zeros when the process is gone. */
export function usageOf(pid: number): Usage {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = readIfAlive(`/proc/${name}/stat`);
    // counted from the third field on: the second is a name in parentheses and may hold blanks
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const parent = fields[1] ?? 0;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    // utime + stime, and those of children it has waited for
    ticks.set(
      Number(name),
      fields.slice(11, 15).reduce((sum, value) => sum + value, 0),
    );
  }
  let usage: Usage = { cpuSeconds: 0, peakRssBytes: 0, rssBytes: 0 };
  const family = [pid];
  for (const member of family) {
    const status = readIfAlive(`/proc/${member}/status`);
    const bytesOf = (field: RegExp) => Number(field.exec(status)?.[1] ?? 0) * 1024;
    usage = {
      cpuSeconds: usage.cpuSeconds + (ticks.get(member) ?? 0) / TICKS_PER_SEC,
      peakRssBytes: usage.peakRssBytes + bytesOf(/VmHWM:\s+(\d+)/),
      rssBytes: usage.rssBytes + bytesOf(/VmRSS:\s+(\d+)/),
    };
    family.push(...(children.get(member) ?? []));
  }
  return usage;
}

function readIfAlive(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return '';
    throw error;
  }
}

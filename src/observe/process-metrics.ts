// What every process should tell Prometheus about itself, under the usual names. The library's own
// set also keeps timers of 10 ms running, which an idle daemon must not.
import { readdirSync, readFileSync } from 'node:fs';
import { processStartMs } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';

export interface ProcessMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Undefined where the system does not tell. */
  readonly value: () => number | undefined;
}

export const PROCESS_METRICS: readonly ProcessMetric[] = [
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the daemon, user and system.',
    value: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the daemon.',
    value: () => process.memoryUsage.rss(),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the daemon was started, in seconds since 1970.',
    value: () => processStartMs() / 1000,
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open file descriptors of the daemon.',
    // One of them is that of the folder that is read.
    value: () => fromProc(() => readdirSync('/proc/self/fd').length - 1),
  },
  {
    name: 'process_max_fds',
    type: 'gauge',
    help: 'The most file descriptors that the daemon may open.',
    value: () => fromProc(maxDescriptors),
  },
];

function maxDescriptors(): number | undefined {
  const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return limit === undefined ? undefined : Number(limit);
}

function fromProc(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

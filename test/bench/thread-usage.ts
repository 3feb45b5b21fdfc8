// The CPU time of each thread of a process, by the thread's name, from proc_pid_task(5).
import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from '../../src/system/fault.ts';

// USER_HZ is 100 on every Linux that Node runs on, see time(7)
const TICKS_PER_SEC = 100;

/** CPU seconds by name; threads of one name are summed up. Empty when the process is gone. */
export function threadSeconds(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const stat of statsOf(pid)) {
    // The name is in parentheses and may hold blanks.
    const [, name = '', rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    const fields = rest.split(' ').map(Number);
    const spent = ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SEC;
    seconds.set(name, (seconds.get(name) ?? 0) + spent);
  }
  return seconds;
}

function statsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/task`;
  try {
    return readdirSync(folder).map((task) => readFileSync(`${folder}/${task}/stat`, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return [];
    throw error;
  }
}

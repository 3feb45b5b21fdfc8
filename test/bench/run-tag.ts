// Names what a run leaves on the machine (namespaces, folders) after the process that made it, so that a later
// run can tell the leftovers of a crash from what another run is still using.
import { readFileSync } from 'node:fs';
import { errnoOf } from '../../src/system/fault.ts';

const TAG = /hp-(\d+)-(\d+)/;

/** `hp-PID-STARTTIME` of this process; the start time tells it from a later process with the same number. */
export function runTag(): string {
  return `hp-${process.pid}-${startTicks(process.pid) ?? 0}`;
}

/** True when `name` carries the tag of a process that no longer runs. False for names that carry none. */
export function isOrphan(name: string): boolean {
  const match = TAG.exec(name);
  if (match === null) return false;
  return startTicks(Number(match[1])) !== Number(match[2]);
}

/** Field 22 of proc_pid_stat(5): when the process began, in clock ticks since boot. Undefined: no such process. */
function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the second field is a name in parentheses and may hold blanks
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

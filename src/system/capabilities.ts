// What the kernel allows this process, apart from its user.
import { readFileSync } from 'node:fs';

/** True if the capability with this number is in force; see capabilities(7). */
export function hasCapability(number: bigint): boolean {
  const [, effective = '0'] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${effective}`) >> number) & 1n) === 1n;
}

/** How many files this process may have open at once; Infinity without a limit. */
export function openFilesMax(): number {
  const [, soft = '0'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

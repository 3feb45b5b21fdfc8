// What the kernel lets this process do, whatever its user.
import { readFileSync } from 'node:fs';

/** Whether the capability of this number is in force; capabilities(7). */
export function hasCapability(number: bigint): boolean {
  const [, effective = '0'] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${effective}`) >> number) & 1n) === 1n;
}

/** How many files it may have open at once; Infinity when there is no limit. */
export function openFilesMax(): number {
  const [, soft = '0'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

// What the kernel lets this process do beyond what its user may; capabilities(7).
import { readFileSync } from 'node:fs';

/** Whether the capability of this number is in force. */
export function hasCapability(number: bigint): boolean {
  const [, effective = '0'] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${effective}`) >> number) & 1n) === 1n;
}

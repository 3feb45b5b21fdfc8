// What a hint must know of this machine. Each is looked up when asked, since each may change while
// we run.
import { existsSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';

/** When this program was built, or installed: no clock can be right that says less. */
export function builtMs(): number {
  return statSync(fileURLToPath(import.meta.url)).mtimeMs;
}

/** systemd-timesyncd has set the clock. False says nothing: there are other time services. */
export function isSynchronized(): boolean {
  return existsSync('/run/systemd/timesync/synchronized');
}

/** Whether it has an address of the family beside loopback's and the link's own. */
export function hasAddress(family: 'IPv4' | 'IPv6'): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.some(
    ({ family: own, internal, address }) =>
      own === family && !internal && !/^(fe80:|169\.254\.)/i.test(address),
  );
}

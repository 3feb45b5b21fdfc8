// What hints need to know about this machine. Each fact is looked up when asked for, because it may
// change while halfpipe runs.
import { existsSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';

/** When this program was built or installed. A clock that shows an earlier time is wrong. */
export function builtAtMs(): number {
  return statSync(fileURLToPath(import.meta.url)).mtimeMs;
}

/**
 * True if systemd-timesyncd has set the clock. False proves nothing, because there are other time
 * services.
 */
export function isSynchronized(): boolean {
  return existsSync('/run/systemd/timesync/synchronized');
}

/** True if the machine has an address of this family, apart from loopback and link-local ones. */
export function hasAddress(family: 'IPv4' | 'IPv6'): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.some(
    ({ family: own, internal, address }) =>
      own === family && !internal && !/^(fe80:|169\.254\.)/i.test(address),
  );
}

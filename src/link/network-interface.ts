// One network interface as the kernel shows it: its transmit counter, its identity, and what its driver claims to reach.
import { readFileSync, realpathSync } from 'node:fs';
import systeminformation from 'systeminformation';
import { errnoOf, Fault } from '../system/fault.ts';

const SYS_CLASS_NET = '/sys/class/net';

/** Bytes sent since the interface was made. About 17 µs; throws what the file system throws when it is gone. */
export function readTxBytes(name: string): number {
  return Number(readFileSync(`${SYS_CLASS_NET}/${name}/statistics/tx_bytes`, 'latin1'));
}

/** Differs when an interface was removed and made again under the same name. Throws a `transient` Fault when it is gone. */
export function readInterfaceIndex(name: string): number {
  try {
    return Number(readFileSync(`${SYS_CLASS_NET}/${name}/ifindex`, 'latin1'));
  } catch (error) {
    throw new Fault('transient', `network interface ${name} does not exist`, {
      operation: 'read the interface',
      subject: name,
      hint: 'Check link.interface; `ip link` lists the names.',
      cause: error,
      code: errnoOf(error) ?? 'ENOENT',
    });
  }
}

/**
 * What the driver says the interface reaches, in bits a second; undefined when it does not know. Virtual interfaces
 * claim what they like (veth: 10 Gbit/s) and are never believed.
 */
export async function driverSpeed(name: string): Promise<number | undefined> {
  if (isVirtual(name)) return undefined;
  const found = [await systeminformation.networkInterfaces()].flat().find(({ iface }) => iface === name);
  const megabits = found?.speed ?? 0;
  return megabits > 0 ? megabits * 1e6 : undefined;
}

function isVirtual(name: string): boolean {
  try {
    return realpathSync(`${SYS_CLASS_NET}/${name}`).includes('/devices/virtual/');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return true; // gone, and so of no known speed
  }
}

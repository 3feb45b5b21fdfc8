// Finds the link where there is no /sys, for example on macOS, to try the program on a desk. It
// uses systeminformation, which starts other programs. Nothing of this runs on a server or in the
// sending thread.

import { Fault } from '../system/fault.ts';
import type { UplinkIdentity, UplinkOptions } from './uplink-identity.ts';

/** Without /sys, nothing is corrected by it: the segment of plain Ethernet. */
const SEGMENT = { payloadBytes: 1_448, headerBytes: 66 };

/** Rejects with a Fault with code CAPACITY_UNKNOWN if neither config nor driver gives a rate. */
export async function linkWithoutSysfs({
  interface: wanted,
  capacity,
  counter,
}: UplinkOptions): Promise<UplinkIdentity> {
  const name = wanted === 'auto' ? await (await systemInformation()).networkInterfaceDefault() : wanted;
  const configured = typeof capacity === 'object' ? capacity[name] : capacity;
  const bitsPerSec = typeof configured === 'number' ? configured : await speedOf(name);
  if (bitsPerSec === undefined)
    throw new Fault('breaker', `the capacity of ${name} is unknown`, {
      operation: 'find the capacity',
      subject: name,
      hint: 'Set link.capacity to the uplink\'s rate, for example "link: { capacity: 100 Mbit/s }".',
      code: 'CAPACITY_UNKNOWN',
    });
  return {
    name,
    via: undefined,
    carriers: [{ name, index: 0 }],
    counter,
    segment: SEGMENT,
    capacityBitsPerSec: bitsPerSec,
    capacityFrom: typeof configured === 'number' ? 'link.capacity' : 'driver',
    warnings: [],
    isGuess: false,
  };
}

async function speedOf(name: string): Promise<number | undefined> {
  const { networkInterfaces } = await systemInformation();
  const found = [await networkInterfaces()].flat().find(({ iface }) => iface === name);
  const megabits = found?.speed ?? 0;
  return megabits > 0 ? megabits * 1e6 : undefined;
}

/** Loaded here, because its 700 KB are of no use where there is a /sys. */
async function systemInformation(): Promise<typeof import('systeminformation')> {
  return (await import('systeminformation')).default;
}

// A link as it is found on most servers: one interface whose driver tells its rate.
import type { UplinkIdentity } from '../../src/link/uplink-identity.ts';

export const ETHERNET_LINK: UplinkIdentity = {
  name: 'eth0',
  via: undefined,
  carriers: [{ name: 'eth0', index: 2 }],
  counter: undefined,
  segment: { payloadBytes: 1_448, headerBytes: 66 },
  capacityBitsPerSec: 100e6,
  capacityFrom: 'driver',
  warnings: [],
  isGuess: false,
};

// What a snapshot says of the link.
import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { PaceView } from '../pace/governor.ts';
import type { SlowLine } from '../pace/slow-line.ts';
import type { LinkView } from '../view/snapshot.ts';

export interface LinkFacts {
  /** Undefined while there is no link. */
  readonly pace: PaceView | undefined;
  readonly identity: UplinkIdentity | undefined;
  readonly slowLine: SlowLine | undefined;
}

export function linkView({ pace, identity, slowLine }: LinkFacts): LinkView | null {
  if (pace === undefined || identity === undefined) return null;
  const { name, capacityBitsPerSec, capacityFrom } = identity;
  const { targetBytesPerSec, floorBytesPerSec } = pace.limits;
  const { totalBytesPerSec, ownBytesPerSec, crossBytesPerSec } = pace.rates;
  return {
    interface: name,
    capacityBitsPerSec,
    capacityFrom,
    targetBitsPerSec: targetBytesPerSec * 8,
    floorBitsPerSec: floorBytesPerSec * 8,
    totalBitsPerSec: Math.round(totalBytesPerSec * 8),
    ownBitsPerSec: Math.round(ownBytesPerSec * 8),
    crossBitsPerSec: Math.round(crossBytesPerSec * 8),
    budgetBitsPerSec: Math.round(pace.budgetBytesPerSec * 8),
    floorEngaged: pace.floorEngaged,
    degraded: pace.degraded,
    slowLine: slowLine ?? null,
  };
}

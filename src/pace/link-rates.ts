// From shares of the link to rates.
import type { Limits } from './governor.ts';

/** What the operator allows us on the link, whatever its capacity. */
export interface Budget {
  /** The part of the capacity for the whole link's traffic: 0 < share ≤ 1. */
  readonly share: number;
  /** What we may always send. */
  readonly floor: { readonly share: number } | { readonly bitsPerSec: number };
}

/** 100 Mbit/s × 50 % = 6.25 MB/s; a floor of 1 % = 125 kB/s. */
export function limitsOn(capacityBitsPerSec: number, { share, floor }: Budget): Limits {
  const targetBytesPerSec = (capacityBitsPerSec * share) / 8;
  const floorBitsPerSec = 'share' in floor ? capacityBitsPerSec * floor.share : floor.bitsPerSec;
  return { targetBytesPerSec, floorBytesPerSec: Math.min(targetBytesPerSec, floorBitsPerSec / 8) };
}

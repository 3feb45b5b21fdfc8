// Turns shares of the link into rates.

export interface LinkRates {
  /** Wire bytes a second. */
  readonly targetBytesPerSec: number;
  /**
   * What we may always send, in wire bytes a second, however much others send; > 0 and ≤ target.
   */
  readonly floorBytesPerSec: number;
}

/** What the operator allows on the link, for any capacity. */
export interface Allowance {
  /** The part of the capacity that all traffic together may use: 0 < share ≤ 1. */
  readonly share: number;
  /** What we may always send. */
  readonly floor: { readonly share: number } | { readonly bitsPerSec: number };
}

/** Example: 50 % of 100 Mbit/s is 6.25 MB/s on the wire, and a floor of 1 % is 125 kB/s. */
export function ratesOn(capacityBitsPerSec: number, { share, floor }: Allowance): LinkRates {
  const targetBytesPerSec = (capacityBitsPerSec * share) / 8;
  const floorBitsPerSec = 'share' in floor ? capacityBitsPerSec * floor.share : floor.bitsPerSec;
  return { targetBytesPerSec, floorBytesPerSec: Math.min(targetBytesPerSec, floorBitsPerSec / 8) };
}

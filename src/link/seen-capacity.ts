// Corrects a capacity that is only assumed by what the line was seen to take.

import { inMegabits, type WantedCapacity } from './capacity.ts';
import type { UplinkIdentity } from './uplink-identity.ts';

/**
 * How long an observation is valid. The line may have improved since, so afterwards the assumed
 * number is tried again.
 */
const STANDS_MS = 3_600_000;

interface Seen {
  readonly name: string;
  readonly bitsPerSec: number;
  readonly untilMs: number;
  /** What was assumed before. */
  readonly assumed: Pick<UplinkIdentity, 'capacityBitsPerSec' | 'capacityFrom' | 'warnings'>;
}

/**
 * A capacity is assumed in two cases: the route has moved to another interface than the one for
 * which link.capacity has its single number, or the card reports no rate. The line is then held to
 * what it was seen to take, for an hour. Deterministic: time is an argument, of the monotonic
 * clock.
 */
export class SeenCapacity {
  #wanted: WantedCapacity;
  #meantFor: string | undefined;
  #seen: Seen | undefined;

  constructor(wanted: WantedCapacity) {
    this.#wanted = wanted;
  }

  /** The operator has set the capacity again, for the present line. */
  reset(wanted: WantedCapacity): void {
    this.#wanted = wanted;
    this.#meantFor = undefined;
    this.#seen = undefined;
  }

  isAssumed({ name, capacityFrom }: UplinkIdentity): boolean {
    const isMeant = typeof this.#wanted !== 'number' || name === this.#meantFor;
    return capacityFrom === 'seen' || capacityFrom === 'least known' || !isMeant;
  }

  /**
   * Returns `found` with the capacity to use. The first line after a reset is the one that the
   * number is meant for.
   */
  appliedTo(found: UplinkIdentity, nowMs: number): UplinkIdentity {
    this.#meantFor ??= found.name;
    const seen = this.#seen;
    if (seen === undefined || seen.name !== found.name || nowMs >= seen.untilMs) return found;
    const { bitsPerSec } = seen;
    if (!this.isAssumed(found) || bitsPerSec >= found.capacityBitsPerSec) return found;
    const warning = `${found.name} took no more than ${inMegabits(bitsPerSec)}, which counts as its capacity for an hour: give each line its rate in link.capacity`;
    return {
      ...found,
      capacityBitsPerSec: bitsPerSec,
      capacityFrom: 'seen',
      warnings: [...found.warnings, warning],
    };
  }

  /** Returns the link as if nothing had been observed. */
  assumedOf(link: UplinkIdentity): UplinkIdentity {
    return link.capacityFrom === 'seen' && this.#seen !== undefined
      ? { ...link, ...this.#seen.assumed }
      : link;
  }

  /** The line took this much while more was waiting. */
  see(link: UplinkIdentity, bitsPerSec: number, nowMs: number): void {
    const { name, capacityBitsPerSec, capacityFrom, warnings } = this.assumedOf(link);
    const assumed = { capacityBitsPerSec, capacityFrom, warnings };
    this.#seen = { name, bitsPerSec, untilMs: nowMs + STANDS_MS, assumed };
  }
}

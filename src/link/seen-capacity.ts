// A line whose capacity is only assumed is held to what it is seen to take: after the route has
// moved to another interface the one number of link.capacity is meant for the first, and the rate
// of a card that tells none is a guess. Deterministic.
import { inMegabits, type WantedCapacity } from './capacity.ts';
import type { UplinkIdentity } from './link-finder.ts';

/**
 * How long stands what was seen: the line may have become better. Then the number is assumed again,
 * and the line seen anew.
 */
const STANDS_MS = 3_600_000;

interface Seen {
  readonly name: string;
  readonly bitsPerSec: number;
  readonly untilMs: number;
  /** What was assumed before. */
  readonly assumed: Pick<UplinkIdentity, 'capacityBitsPerSec' | 'capacityFrom' | 'warnings'>;
}

export class SeenCapacity {
  #wanted: WantedCapacity;
  #meantFor: string | undefined;
  #seen: Seen | undefined;

  constructor(wanted: WantedCapacity) {
    this.#wanted = wanted;
  }

  /** The operator has said anew what the present line can carry. */
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
   * The line `found`, with the capacity to work with. The first one after a reset is the one that
   * the number is meant for.
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

  /** As if nothing had been seen of it. */
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

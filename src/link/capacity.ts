// The capacity of the found link: from link.capacity, else from the drivers of its cards.
// Deterministic.
import { Fault } from '../system/fault.ts';
import type { SpeedFinding } from './believable-speed.ts';
import type { Carriers } from './carriers.ts';

/**
 * One rate for any link, a rate for each interface, or what the drivers report. In bits a second.
 */
export type WantedCapacity = number | 'auto' | Readonly<Record<string, number>>;

export interface Capacity {
  readonly bitsPerSec: number;
  readonly from: 'link.capacity' | 'driver' | 'least known' | 'seen';
  /** Set if the number was not meant for this link; text for the operator. */
  readonly warning?: string | undefined;
}

/** The capacity that was in force before, if there was one. */
export type KnownCapacity = { readonly capacityBitsPerSec: number } | undefined;

/**
 * Throws a Fault when the capacity is unknown: with code CAPACITY_UNKNOWN when only the config can
 * change that. A capacity that was in force stays in force while nothing better is known.
 * `bondBitsPerSec` is what a bond reports about its cards.
 */
export function capacityOf(
  wanted: WantedCapacity,
  { names, chain }: Pick<Carriers, 'names' | 'chain'>,
  speedOf: (name: string) => SpeedFinding,
  present: KnownCapacity,
  bondBitsPerSec?: number,
): Capacity {
  if (typeof wanted === 'number') return { bitsPerSec: wanted, from: 'link.capacity' };
  if (wanted === 'auto') return bySpeed(names, speedOf, present, bondBitsPerSec);
  const rates = new Map(Object.entries(wanted));
  const mapped = byName(rates, names, chain);
  if (mapped !== undefined) return { bitsPerSec: mapped, from: 'link.capacity' };
  const least = Math.min(...rates.values());
  const missing = names.join(' and ');
  return {
    bitsPerSec: least,
    from: 'least known',
    warning: `link.capacity has no rate for ${missing}: the smallest rate, ${inMegabits(least)}, is used: add ${missing} to link.capacity`,
  };
}

/**
 * The configured rate of the route's device or of one below it. Several lines side by side must
 * each carry an equal part, so the slowest decides.
 */
function byName(
  rates: ReadonlyMap<string, number>,
  names: readonly string[],
  chain: readonly string[],
): number | undefined {
  const own = names.map((name) => rates.get(name));
  if (own.every((rate) => rate !== undefined)) return Math.min(...own) * own.length;
  const above = chain.filter((name) => !names.includes(name)).map((name) => rates.get(name));
  return above.find((rate) => rate !== undefined);
}

function bySpeed(
  names: readonly string[],
  speedOf: (name: string) => SpeedFinding,
  present: KnownCapacity,
  bondBitsPerSec: number | undefined,
): Capacity {
  const speeds = names.map((name) => ({ name, finding: speedOf(name) }));
  const known = speeds.flatMap(({ finding }) => (finding.kind === 'known' ? [finding.bitsPerSec] : []));
  const hopeless = speeds.find(({ finding }) => finding.kind === 'never');
  if (hopeless === undefined && known.length > 0) {
    // A bond knows which of its cards send: one of two in active-backup mode. Lines side by side
    // carry equal parts.
    return { bitsPerSec: bondBitsPerSec ?? Math.min(...known) * known.length, from: 'driver' };
  }
  if (present !== undefined) return kept(present.capacityBitsPerSec, hopeless?.name);
  const { name, finding } = hopeless ??
    speeds[0] ?? { name: 'the link', finding: { kind: 'later', why: '' } };
  const why = finding.kind === 'known' ? '' : `: ${finding.why}`;
  throw new Fault(
    hopeless === undefined ? 'transient' : 'breaker',
    `the capacity of ${name} is unknown${why}`,
    {
      operation: 'find the capacity',
      subject: name,
      hint: 'Set link.capacity to the uplink\'s rate, for example "link: { capacity: 100 Mbit/s }".',
      code: hopeless === undefined ? 'CAPACITY_NOT_YET_KNOWN' : CAPACITY_UNKNOWN,
    },
  );
}

export const CAPACITY_UNKNOWN = 'CAPACITY_UNKNOWN';

/**
 * A missing cable says nothing about the line. Another interface, whose rate is unknown, is held to
 * the last known capacity.
 */
function kept(bitsPerSec: number, hopeless: string | undefined): Capacity {
  if (hopeless === undefined) return { bitsPerSec, from: 'driver' };
  return {
    bitsPerSec,
    from: 'least known',
    warning: `the capacity of ${hopeless} is unknown: ${inMegabits(bitsPerSec)} stays in force; set link.capacity`,
  };
}

/** The rate as written in messages: `12.5 Mbit/s`. */
export function inMegabits(bitsPerSec: number): string {
  return `${Number((bitsPerSec / 1e6).toPrecision(3))} Mbit/s`;
}

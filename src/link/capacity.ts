// What the found link can carry: by link.capacity, else by the drivers of its cards. Deterministic.
import { Fault } from '../system/fault.ts';
import type { SpeedFinding } from './believable-speed.ts';
import type { Carriers } from './carriers.ts';

/**
 * One rate for whatever the link is, a rate for each interface, or what the drivers say; in bits a
 * second.
 */
export type WantedCapacity = number | 'auto' | Readonly<Record<string, number>>;

export interface Capacity {
  readonly bitsPerSec: number;
  readonly from: 'link.capacity' | 'driver' | 'least known' | 'seen';
  /** Tells the operator that the number was not meant for this link. */
  readonly warning?: string | undefined;
}

/** What was in force before, if anything was. */
export type KnownCapacity = { readonly capacityBitsPerSec: number } | undefined;

/**
 * Throws a Fault when it is not known: with the code CAPACITY_UNKNOWN when only the config can
 * change that. Once a capacity has been in force, it stays where nothing better is known.
 * `bondBitsPerSec` is what a bond says of its cards.
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
    warning: `link.capacity has no rate for ${missing}: it is held to the least one, ${inMegabits(least)}: add ${missing} to link.capacity`,
  };
}

/**
 * By the device of the route or one on the way down; of several lines side by side each has to bear
 * an equal part.
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
    // A bond knows which of its cards send: of two in active-backup, one. Lines side by side bear
    // equal parts.
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
 * A cable that is out says nothing of the line; another interface, whose rate is unknown, is held
 * to what was known.
 */
function kept(bitsPerSec: number, hopeless: string | undefined): Capacity {
  if (hopeless === undefined) return { bitsPerSec, from: 'driver' };
  return {
    bitsPerSec,
    from: 'least known',
    warning: `the capacity of ${hopeless} is unknown: ${inMegabits(bitsPerSec)} stays in force: set link.capacity`,
  };
}

/** The rate as messages have it: `12.5 Mbit/s`. */
export function inMegabits(bitsPerSec: number): string {
  return `${Number((bitsPerSec / 1e6).toPrecision(3))} Mbit/s`;
}

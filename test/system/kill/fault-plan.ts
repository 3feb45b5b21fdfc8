// Which requests of a run are spoilt and how, from one seeded generator, and account of what was done.
import type { WireFault } from '../../support/wire-fault.ts';

export class FaultPlan {
  /** How often each was injected. */
  readonly counts = new Map<string, number>();
  /** Keys whose object was damaged on its way. */
  readonly damaged = new Set<string>();
  readonly #random: () => number;
  readonly #share: number;

  /** `share` of all requests, from 0 to 1. */
  constructor(random: () => number, share: number) {
    this.#random = random;
    this.#share = share;
  }

  /** Undefined lets the request pass. `url` is path-style: /bucket/key. */
  next(url: string): WireFault | undefined {
    if (this.#random() > this.#share) return undefined;
    const kinds = this.#kinds();
    const fault = kinds[Math.floor(this.#random() * kinds.length)];
    if (fault === undefined) return undefined;
    const name = nameOf(fault);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const [path = ''] = url.split('?');
    if (fault.kind === 'damage') this.damaged.add(decodeURIComponent(path.split('/').slice(2).join('/')));
    return fault;
  }

  #kinds(): readonly WireFault[] {
    return [
      { kind: 'reset', atByte: Math.floor(this.#random() * 100_000) },
      { kind: 'stall' },
      { kind: 'drop-answer' },
      { kind: 'late', byMs: 200 + 3_000 * this.#random() },
      { kind: 'damage', how: 'flip-byte' },
      { kind: 'damage', how: 'truncate' },
      { kind: 'answer', status: 500, code: 'InternalError' },
      { kind: 'answer', status: 503, code: 'SlowDown' },
      { kind: 'answer', status: 403, code: 'AccessDenied', early: true },
      { kind: 'answer', status: 403, code: 'ExpiredToken' },
      { kind: 'answer', status: 200 },
    ];
  }
}

function nameOf(fault: WireFault): string {
  if (fault.kind === 'damage') return fault.how;
  return fault.kind === 'answer' ? `${fault.status} ${fault.code ?? 'empty'}` : fault.kind;
}

/** Numbers in [0, 1) that look random and follow from the seed: mulberry32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// When the store is asked whether it is to blame.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Doubt, type Suspect, Suspicion } from '../../src/drain/suspicion.ts';

type Step = readonly [
  what: Doubt | 'passed' | 'took own' | 'refused own' | 'took a file only',
  times?: number,
];

/** Everything at one moment, but for what waits. */
function suspectAfter(steps: readonly Step[], last: Doubt, laterMs = 0): Suspect {
  const suspicion = new Suspicion();
  for (const [what, times = 1] of steps) {
    for (let time = 0; time < times; time += 1) {
      if (what === 'passed') suspicion.passed();
      else if (what === 'took own') suspicion.tookOwn(0);
      else if (what === 'refused own') suspicion.refusedOwn();
      else if (what === 'took a file only') suspicion.tookFileOnly();
      else suspicion.failed(what, 0);
    }
  }
  return suspicion.failed(last, laterMs);
}

for (const { when, steps, last, laterMs, suspect } of [
  { when: 'at the first refusal', steps: [], last: 'refusal', suspect: 'ask' },
  { when: 'not at the first transient fault', steps: [], last: 'transient', suspect: 'unclear' },
  { when: 'not at the seventh', steps: [['transient', 6]], last: 'transient', suspect: 'unclear' },
  { when: 'at the eighth in a row', steps: [['transient', 7]], last: 'transient', suspect: 'ask' },
  {
    when: 'not at the eighth with one that passed between',
    steps: [['transient', 7], ['passed']],
    last: 'transient',
    suspect: 'unclear',
  },
  { when: 'not at the 63rd SlowDown', steps: [['slowDown', 62]], last: 'slowDown', suspect: 'unclear' },
  { when: 'at the 64th SlowDown', steps: [['slowDown', 63]], last: 'slowDown', suspect: 'ask' },
  {
    when: 'not while it is trusted',
    steps: [['took own']],
    last: 'refusal',
    laterMs: 9_999,
    suspect: 'file',
  },
  { when: 'when the trust is over', steps: [['took own']], last: 'refusal', laterMs: 10_000, suspect: 'ask' },
  {
    when: 'at the 64th failure in a row, however trusted',
    steps: [['took own'], ['refusal', 63]],
    last: 'refusal',
    suspect: 'ask',
  },
  {
    when: 'not at the 64th with one that passed between',
    steps: [['took own'], ['refusal', 62], ['passed'], ['refusal', 1]],
    last: 'refusal',
    suspect: 'file',
  },
  {
    when: 'after a pause at the first refusal',
    steps: [['took own'], ['refused own']],
    last: 'refusal',
    suspect: 'ask',
  },
  {
    when: 'not at the seventh refusal of a store that takes files and not ours',
    steps: [['refused own'], ['took a file only'], ['refusal', 6]],
    last: 'refusal',
    suspect: 'file',
  },
  {
    when: 'at the eighth refusal of a store that takes files and not ours',
    steps: [['refused own'], ['took a file only'], ['refusal', 7]],
    last: 'refusal',
    suspect: 'ask',
  },
  {
    when: 'at the first refusal once it has taken ours again',
    steps: [['took a file only'], ['took own']],
    last: 'refusal',
    laterMs: 10_000,
    suspect: 'ask',
  },
] as const) {
  test(`asks the store ${when}`, () => {
    assert.equal(suspectAfter(steps as readonly Step[], last, laterMs), suspect);
  });
}

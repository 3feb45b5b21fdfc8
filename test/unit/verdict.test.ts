// Whether the drain keeps up: what is said at once, and what has to last.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Signs, VerdictKeeper } from '../../src/outlook/verdict.ts';

type Rates = NonNullable<Signs['rates']>;

/** Pressures over some minutes and over a longer time; `workMs` is what waits. */
function signs(short: number, long = short, workMs = 600_000): Signs {
  const rates: Rates = {
    workMs,
    short: { steady: short, high: short },
    long: { steady: long, high: long },
  };
  return { files: 10, isStalled: false, isFlowing: true, rates };
}

const EMPTY: Signs = { files: 0, isStalled: false, isFlowing: false, rates: undefined };
const NOTHING_SEEN: Signs = { ...EMPTY, files: 1 };
const STALLED: Signs = { ...signs(0), isStalled: true };

/** Each sign for so many seconds; the verdicts in their order, with their seconds. */
function judged(...stretches: readonly (readonly [seconds: number, signs: Signs])[]): string[] {
  const keeper = new VerdictKeeper();
  const said: string[] = [];
  let [second, before] = [0, ''];
  for (const [seconds, shown] of stretches)
    for (let i = 0; i < seconds; i += 1, second += 1) {
      const verdict = keeper.judge(second * 1_000, shown);
      if (verdict !== before) said.push(`${second} ${verdict}`);
      before = verdict;
    }
  return said;
}

for (const [what, stretches, expected] of [
  [
    'empty at once, and unknown until something is seen',
    [
      [5, EMPTY],
      [5, NOTHING_SEEN],
    ],
    ['0 empty', '5 unknown'],
  ],
  [
    'catching up at once when nothing arrives',
    [
      [5, NOTHING_SEEN],
      [5, signs(0)],
    ],
    ['0 unknown', '5 catching-up'],
  ],
  ['catching up while less arrives than leaves', [[99, signs(0.8)]], ['0 catching-up']],
  ['keeping up while as much arrives as leaves', [[99, signs(1)]], ['0 keeping-up']],
  ['keeping up while little waits', [[99, signs(0.5, 0.5, 20_000)]], ['0 keeping-up']],
  ['falling behind after a minute', [[99, signs(1.5)]], ['0 unknown', '60 falling-behind']],
  ['not falling behind while little waits', [[99, signs(1.5, 1.5, 20_000)]], ['0 unknown']],
  ['not falling behind by a little in the last minutes alone', [[99, signs(1.2, 0.8)]], ['0 catching-up']],
  [
    'falling behind by much in the last minutes alone',
    [[99, signs(1.3, 0.8)]],
    ['0 unknown', '60 falling-behind'],
  ],
  [
    'keeping up while the spool is empty again and again',
    [
      [9, signs(1)],
      [200, { ...EMPTY, isFlowing: true }],
      [9, NOTHING_SEEN],
    ],
    ['0 keeping-up'],
  ],
  [
    'keeping up while files leave and the drain has never had much to do',
    [[99, { ...NOTHING_SEEN, isFlowing: true }]],
    ['0 keeping-up'],
  ],
  [
    'falling behind for another minute after it has ended',
    [
      [70, signs(1.5)],
      [99, signs(0.6)],
    ],
    ['0 unknown', '60 falling-behind', '130 catching-up'],
  ],
  [
    'not falling behind any more as soon as the producers have stopped',
    [
      [70, signs(1.5)],
      [99, signs(0)],
    ],
    ['0 unknown', '60 falling-behind', '70 catching-up'],
  ],
  [
    'falling behind for as long as the longer time does not agree that it has ended',
    [
      [70, signs(1.5)],
      [99, signs(0.9, 1.1)],
    ],
    ['0 unknown', '60 falling-behind'],
  ],
  [
    'the same through changes that do not last',
    [
      [99, signs(0.8)],
      [9, signs(1)],
      [9, signs(0.8)],
      [9, signs(1)],
      [9, signs(0.8)],
      [59, signs(1.5)],
      [9, signs(0.8)],
    ],
    ['0 catching-up'],
  ],
  [
    'another after ten seconds',
    [
      [99, signs(0.8)],
      [40, signs(1)],
    ],
    ['0 catching-up', '109 keeping-up'],
  ],
  [
    'stalled at once, and as before after it',
    [
      [9, signs(0.8)],
      [9, STALLED],
      [9, signs(0.8)],
    ],
    ['0 catching-up', '9 stalled', '18 catching-up'],
  ],
  [
    'keeping up, too, while a file comes at least every minute',
    [
      [9, signs(1)],
      [50, EMPTY],
      [9, NOTHING_SEEN],
    ],
    ['0 keeping-up'],
  ],
  [
    'empty when no file has come for a minute',
    [
      [9, signs(1)],
      [70, EMPTY],
      [9, NOTHING_SEEN],
    ],
    ['0 keeping-up', '69 empty', '79 unknown'],
  ],
] as const)
  test(`is ${what}`, () => assert.deepEqual(judged(...stretches), expected));

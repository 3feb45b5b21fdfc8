import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockingBudget } from '../../src/spool/blocking-budget.ts';

/** Calls, each with its end and how long it took; then whether another may block, by time. */
const CASES: readonly {
  readonly title: string;
  readonly calls: readonly (readonly [nowMs: number, tookMs: number])[];
  readonly allows: Readonly<Record<number, boolean>>;
}[] = [
  { title: 'calls may block at first', calls: [], allows: { 0: true, 1e6: true } },
  {
    title: 'calls that are answered from memory cost nothing, however many they are',
    calls: Array.from({ length: 10_000 }, (_, at) => [at, 0.9] as const),
    allows: { 9999: true },
  },
  {
    title: 'calls that waited use the budget up, and get it back when the period ends',
    calls: Array.from({ length: 50 }, (_, at) => [1_000 + 10 * at, 10] as const),
    allows: { 1500: false, 10999: false, 11000: true },
  },
  {
    title: 'a period begins with its first wait, not where the last one ended',
    calls: [
      [1_000, 499],
      [12_000, 499],
    ],
    allows: { 12001: true },
  },
  {
    title: 'waits of one period add up',
    calls: [
      [1_000, 250],
      [10_500, 250],
    ],
    allows: { 10501: false, 11000: true },
  },
  {
    title: 'one call that took a minute is followed by ten seconds without a wait',
    calls: [[60_000, 60_000]],
    allows: { 60001: false, 69999: false, 70000: true },
  },
];

for (const { title, calls, allows } of CASES)
  test(title, () => {
    const budget = new BlockingBudget();
    for (const [nowMs, tookMs] of calls) budget.charge(tookMs, nowMs);
    for (const [nowMs, allowed] of Object.entries(allows))
      assert.equal(budget.allows(Number(nowMs)), allowed, `at ${nowMs} ms`);
  });

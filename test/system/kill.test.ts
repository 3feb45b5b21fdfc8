// The real daemon, killed at random moments while files arrive and the network misbehaves, loses nothing. Shortened:
// `npm run test:kill` does it two hundred times.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KillBench } from './kill/kill-bench.ts';

const KILLS = 15;

test('killed again and again, it loses no file, tears none, and drains in the end', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const report = await new KillBench(seed).run(KILLS);
  const { violations, ...figures } = report;
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(violations, []);
  assert.equal(report.exit, 0);
  assert.ok(report.filesJudged > 100 && report.objects >= report.filesJudged);
  assert.ok(Object.keys(report.faults).length > 5, 'faults of many kinds were met');
});

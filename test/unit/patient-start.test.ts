// A start that systemd repeats waits in one process: few lines, and soon up when it can be.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPatiently } from '../../src/commands/patient-start.ts';
import { CAPACITY_UNKNOWN } from '../../src/link/capacity.ts';
import { faultOf } from '../support/drain-bench.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';

function starting(start: (attempt: number) => Promise<void>, mayWait = true) {
  const clock = new SimClock();
  const log = new KeptLog();
  const shown: string[] = [];
  const interruption = new AbortController();
  let attempts = 0;
  let extendedAtMs = 0;
  let longestMs = 0;
  const outcome = startPatiently(
    () => {
      attempts += 1;
      return start(attempts);
    },
    {
      ...{ clock, log, mayWait: async () => mayWait, interrupted: interruption.signal },
      notifier: {
        status: (text) => void shown.push(text),
        extendTimeout: async () => {
          longestMs = Math.max(longestMs, clock.monotonicMs() - extendedAtMs);
          extendedAtMs = clock.monotonicMs();
        },
      },
    },
  );
  outcome.catch(() => undefined);
  return {
    ...{ clock, log, shown, interruption, outcome },
    attempts: () => attempts,
    longestMs: () => longestMs,
  };
}

const unusable = () => Promise.reject(faultOf('breaker', { code: 'ENOENT', hint: 'mount it' }));

test('a start that fails for a day makes a line an hour, and systemd is asked for time', async () => {
  const { clock, log, shown, longestMs, interruption, outcome } = starting(unusable);
  await clock.advance(24 * 3_600_000);
  assert.ok(log.records.length <= 25, `${log.records.length} lines`);
  assert.equal(
    log.records[0]?.message,
    'cannot start: a breaker fault. mount it; halfpipe tries again by itself',
  );
  assert.match(shown.at(-1) ?? '', /^cannot start: a breaker fault\. mount it/);
  assert.ok(longestMs() < 90_000, 'before the start counts as failed');
  interruption.abort();
  assert.equal(await outcome, 'interrupted');
});

test('it is up within two seconds after a short fault, and within ten after a long one', async () => {
  for (const { lastsMs, withinMs } of [
    { lastsMs: 20_000, withinMs: 2_000 },
    { lastsMs: 3_600_000, withinMs: 10_000 },
  ]) {
    let isMended = false;
    const { clock, outcome } = starting(() => (isMended ? Promise.resolve() : unusable()));
    await clock.advance(lastsMs);
    isMended = true;
    await clock.advance(withinMs);
    assert.equal(await Promise.race([outcome, Promise.resolve('not yet')]), 'started');
  }
});

test('another reason is told, though not more than once a minute', async () => {
  const { clock, log, interruption } = starting((attempt) =>
    Promise.reject(faultOf(attempt % 2 === 0 ? 'breaker' : 'transient')),
  );
  await clock.advance(600_000);
  assert.ok(log.records.length >= 5 && log.records.length <= 11, `${log.records.length} lines`);
  interruption.abort();
});

test('a start that an operator waits for fails at once', async () => {
  const { outcome, attempts, log } = starting(unusable, false);
  await assert.rejects(outcome, /a breaker fault/);
  assert.deepEqual([attempts(), log.records], [1, []]);
});

for (const [what, error] of [
  ['a bug', new TypeError('x is undefined')],
  ['a capacity that only the config can give', faultOf('breaker', { code: CAPACITY_UNKNOWN })],
] as const)
  test(`${what} does not wait`, async () => {
    const { outcome, attempts } = starting(() => Promise.reject(error));
    await assert.rejects(outcome);
    assert.equal(attempts(), 1);
  });

test('a folder that has come, and that only a new process may write to, ends the wait', async () => {
  const { clock, outcome, attempts } = starting((attempt) =>
    Promise.reject(faultOf('breaker', { code: attempt < 4 ? 'ENOENT' : 'EROFS' })),
  );
  await clock.advance(60_000);
  await assert.rejects(outcome);
  assert.equal(attempts(), 4);
});

test('a folder that is read-only from the beginning is waited for', async () => {
  const { clock, attempts, interruption } = starting(() =>
    Promise.reject(faultOf('breaker', { code: 'EROFS' })),
  );
  await clock.advance(20_000);
  assert.ok(attempts() > 5);
  interruption.abort();
});

test('a signal ends the wait at once', async () => {
  const { clock, interruption, outcome } = starting(unusable);
  await clock.advance(3_000);
  interruption.abort();
  assert.equal(await outcome, 'interrupted');
});

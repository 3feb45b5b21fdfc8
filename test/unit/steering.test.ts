// Pause before an operator's share before the timetable before link.share; kept over a restart until it ends.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readOrders, writeOrders } from '../../src/steer/orders.ts';
import { Steering, type SteeringSettings } from '../../src/steer/steering.ts';
import type { TimetableRule } from '../../src/steer/timetable.ts';
import { SimClock } from '../support/sim-clock.ts';

const MINUTE = 60_000;
const ALWAYS: TimetableRule = { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, toMinute: 1440, share: 0.2 };

function steering(
  settings: Partial<SteeringSettings> = {},
  kept: { text?: string; fails?: boolean; delays?: number[] } = {},
) {
  const clock = new SimClock();
  const calls: string[] = [];
  const made = new Steering(
    { share: 0.5, timetable: [], ...settings },
    {
      clock,
      memory: {
        load: async () => kept.text,
        save: async (text) => {
          if (kept.fails) throw new Error('no space');
          const turns = kept.delays?.shift() ?? 0;
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          kept.text = text;
        },
      },
      onShare: () => calls.push(`share ${made.now.share}`),
      onPause: (isPaused) => calls.push(isPaused ? 'pause' : 'resume'),
      onEvent: ({ kind }) => calls.push(kind),
    },
  );
  return { made, clock, calls, kept };
}

test('the share of the config holds while nothing else does, and the timetable comes before it', () => {
  assert.deepEqual(steering().made.now, {
    paused: null,
    share: 0.5,
    shareFrom: 'config',
    shareUntilMs: null,
  });
  const { share, shareFrom } = steering({ timetable: [ALWAYS] }).made.now;
  assert.deepEqual([share, shareFrom], [0.2, 'timetable']);
});

test('an operator’s share comes before the timetable, and ends by itself', async () => {
  const { made, clock, calls } = steering({ timetable: [ALWAYS] });
  made.start();
  await made.setShare(0.9, 10 * MINUTE);
  assert.deepEqual(calls, ['steered', 'share 0.9']);
  assert.equal(made.now.shareUntilMs, clock.wallMs() + 10 * MINUTE);
  await clock.advance(9 * MINUTE);
  assert.equal(made.now.share, 0.9);
  await clock.advance(MINUTE + 1_000);
  assert.deepEqual([made.now.share, made.now.shareFrom], [0.2, 'timetable']);
  assert.deepEqual(calls, ['steered', 'share 0.9', 'steered', 'share 0.2']);
});

test('a pause ends by itself, or by resume, and leaves the share alone', async () => {
  const { made, clock, calls } = steering();
  made.start();
  await made.setShare(0.3);
  await made.pause(MINUTE);
  assert.equal(made.now.share, 0.3);
  await clock.advance(MINUTE + 1_000);
  assert.equal(made.now.paused, null);
  await made.pause();
  await clock.advance(1_000 * MINUTE);
  assert.deepEqual(made.now.paused, { untilMs: null });
  await made.resume();
  assert.deepEqual(
    calls.filter((call) => call !== 'steered'),
    ['share 0.3', 'pause', 'resume', 'pause', 'resume'],
  );
  await made.clearShare();
  assert.equal(made.now.share, 0.5);
});

test('orders outlive the process until they end, and call nobody when they come back', async () => {
  const before = steering();
  await before.made.pause(MINUTE);
  await before.made.setShare(0.3, 100 * MINUTE);
  const next = steering({}, before.kept);
  await next.made.load();
  assert.deepEqual([next.made.now.share, next.made.now.paused !== null], [0.3, true]);
  assert.deepEqual(next.calls, ['steered']);
  const later = steering({}, before.kept);
  await later.clock.advance(2 * MINUTE);
  await later.made.load();
  assert.deepEqual([later.made.now.share, later.made.now.paused], [0.3, null]);
});

test('of orders that come together, the last one is kept, however long each takes to write', async () => {
  const { made, kept } = steering({}, { delays: [50, 0] });
  await Promise.all([made.setShare(0.3), made.setShare(0.7)]);
  assert.equal(readOrders(kept.text ?? '').share?.share, 0.7);
});

test('an order is in force even if it cannot be kept, and says so', async () => {
  const { made } = steering({}, { fails: true });
  await assert.rejects(made.pause(), /no space/);
  assert.deepEqual(made.now.paused, { untilMs: null });
});

test('tells what will hold: a pause until its end, then an order until its end, then the timetable', async () => {
  // Local time, as the timetable is.
  const hour = new Date(new SimClock().wallMs()).getHours();
  const rule = { ...ALWAYS, fromMinute: ((hour + 2) % 24) * 60, toMinute: ((hour + 3) % 24) * 60 || 1440 };
  const { made, clock } = steering({ timetable: [rule] });
  await made.setShare(0.9, 90 * MINUTE);
  await made.pause(30 * MINUTE);
  assert.deepEqual(made.coming().slice(0, 5), [
    { fromMs: 0, share: 0 },
    { fromMs: 30 * MINUTE, share: 0.9 },
    { fromMs: 90 * MINUTE, share: 0.5 },
    { fromMs: 120 * MINUTE, share: 0.2 },
    { fromMs: 180 * MINUTE, share: 0.5 },
  ]);
  await clock.advance(10 * MINUTE);
  assert.equal(made.coming()[1]?.fromMs, 20 * MINUTE);
  assert.equal(made.coming().length, 3 + 2 * 7, 'a week ahead');
  await made.pause();
  assert.deepEqual(
    made
      .coming()
      .map(({ share }) => share)
      .slice(0, 2),
    [0, 0],
    'no end of the pause is known',
  );
});

test('new settings change the share only where no order holds', async () => {
  const { made, calls } = steering();
  made.setSettings({ share: 0.4, timetable: [] });
  assert.deepEqual(calls, ['steered', 'share 0.4']);
  await made.setShare(0.9);
  made.setSettings({ share: 0.1, timetable: [] });
  assert.equal(made.now.share, 0.9);
  assert.equal(made.shareUnder({ share: 0.1, timetable: [ALWAYS] }), 0.9);
});

for (const text of [
  '',
  'no json',
  'null',
  '{"pause":5}',
  '{"share":{"share":7,"untilMs":null}}',
  '{"pause":{"untilMs":"x"}}',
])
  test(`reads no order from ${text || 'an empty file'}`, () => {
    assert.deepEqual(readOrders(text), {});
  });

test('reads what it has written', () => {
  const orders = { pause: { untilMs: 5 }, share: { share: 0.25, untilMs: null } };
  assert.deepEqual(readOrders(writeOrders(orders)), orders);
});

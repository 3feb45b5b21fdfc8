// What each order of an operator does, and what is answered.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Obedience } from '../../src/control/obedience.ts';
import { readOrder } from '../../src/control/order.ts';
import type { WaitingFiles } from '../../src/drain/drain-ports.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { Steering } from '../../src/steer/steering.ts';
import { SimClock } from '../support/sim-clock.ts';

const HOUR = 3_600_000;

function obedience({ cannotKeep = false, deferred = [] as string[], packed = [] as string[] } = {}) {
  const clock = new SimClock();
  const calls: string[] = [];
  const events: DaemonEvent[] = [];
  const save = async () => {
    if (cannotKeep) throw new Error('the disk is full');
  };
  const steering = new Steering(
    { share: 0.5, timetable: [] },
    {
      ...{ clock, memory: { load: async () => undefined, save } },
      ...{ onShare: () => calls.push('share'), onPause: () => calls.push('pause'), onEvent: () => undefined },
    },
  );
  const backlog = {
    rescan: () => void calls.push('rescan'),
    retryDeferred: () => void calls.push('all deferred'),
    retry: (accepts: (path: SpoolPath) => boolean) => deferred.map(SpoolPath.from).filter(accepts).length,
    view: () => ({ deferred: 3, written: 1 }) as never,
  };
  const held = { isFolder: true, example: 'held/' } as WaitingFiles;
  const drain = { tryAgain: () => void calls.push('try again'), waiting: [held] };
  const packets = {
    tryAgain: (accepts: (path: SpoolPath) => boolean = () => true) =>
      packed.map(SpoolPath.from).filter(accepts).length,
  };
  const onEvent = (event: DaemonEvent) => events.push(event);
  const made = new Obedience({ clock, steering, backlog, packets, drain, onEvent });
  return { made, calls, events, steering, clock };
}

test('a pause and a share are answered with what holds then, and until when', async () => {
  const { made, steering } = obedience();
  const paused = await made.obey({ order: 'pause', forMs: 100 * 24 * HOUR });
  assert.match(paused.text, /^paused by an operator until \d+ \w+ \d\d:\d\d$/);
  assert.deepEqual(await made.obey({ order: 'resume' }), { text: 'draining goes on', warning: null });
  const shared = await made.obey({ order: 'share', share: 0.3, forMs: null });
  assert.equal(shared.text, 'the share is 30 % (set by an operator)');
  const cleared = await made.obey({ order: 'share', share: null, forMs: null });
  assert.equal(cleared.text, 'the share is 50 % (link.share)');
  assert.equal(steering.now.shareFrom, 'config');
});

test('an order that cannot be kept holds, is warned of, and is an event', async () => {
  const { made, steering, events } = obedience({ cannotKeep: true });
  const { warning } = await made.obey({ order: 'pause', forMs: null });
  assert.match(warning ?? '', /until the next restart only: the disk is full/);
  assert.notEqual(steering.now.paused, null);
  assert.deepEqual(events, [{ kind: 'orderKept', problem: 'the disk is full' }]);
});

test('retry without a path tries everything that waits, and the store', async () => {
  const { made, calls } = obedience();
  assert.equal((await made.obey({ order: 'retry', paths: [] })).text, '4 files are tried again now');
  assert.deepEqual(calls, ['try again', 'all deferred']);
});

test('retry takes files and folders, and names those where nothing waits', async () => {
  const { made } = obedience({ deferred: ['cam/a.jpg', 'cam/b.jpg', 'camera.jpg', 'x'] });
  assert.deepEqual(await made.obey({ order: 'retry', paths: ['cam/', 'y'] }), {
    text: '2 files are tried again now',
    warning: 'nothing is deferred at or below y',
  });
  assert.deepEqual(await made.obey({ order: 'retry', paths: ['x'] }), {
    text: '1 file is tried again now',
    warning: null,
  });
});

test('retry takes the files of packets that wait', async () => {
  const { made } = obedience({ packed: ['cam/a.jpg', 'x'] });
  assert.equal((await made.obey({ order: 'retry', paths: [] })).text, '6 files are tried again now');
  assert.deepEqual(await made.obey({ order: 'retry', paths: ['cam'] }), {
    text: '1 file is tried again now',
    warning: null,
  });
});

test('retry finds a held folder, and of two paths one within the other both', async () => {
  const { made } = obedience({ deferred: ['a/b/c.jpg'] });
  assert.equal((await made.obey({ order: 'retry', paths: ['held', 'a', 'a/b'] })).warning, null);
});

test('retry says that nothing is tried during a pause', async () => {
  const { made } = obedience({ deferred: ['x'] });
  await made.obey({ order: 'pause', forMs: null });
  assert.equal(
    (await made.obey({ order: 'retry', paths: ['x'] })).text,
    '1 file is tried again once halfpipe is resumed',
  );
});

test('rescan scans at once', async () => {
  const { made, calls } = obedience();
  await made.obey({ order: 'rescan' });
  assert.deepEqual(calls, ['rescan']);
});

test('orders are read as they are sent', () => {
  assert.deepEqual(readOrder({ order: 'pause' }), { order: 'pause', forMs: null });
  assert.deepEqual(readOrder({ order: 'share', share: 0.3, forMs: 5 }), {
    order: 'share',
    share: 0.3,
    forMs: 5,
  });
  assert.deepEqual(readOrder({ order: 'retry' }), { order: 'retry', paths: [] });
});

for (const value of [
  null,
  5,
  {},
  { order: 'dance' },
  { order: 'pause', forMs: -1 },
  { order: 'pause', forMs: 'soon' },
  { order: 'share', share: 0 },
  { order: 'share', share: 1.5 },
  { order: 'retry', paths: 'a' },
])
  test(`refuses ${JSON.stringify(value)} as an order`, () => {
    assert.throws(() => readOrder(value), RangeError);
  });

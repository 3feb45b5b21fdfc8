import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Backlog } from '../../src/backlog/backlog.ts';
import type { BacklogEvent } from '../../src/backlog/backlog-event.ts';
import type { BacklogOptions, BacklogPorts } from '../../src/backlog/backlog-ports.ts';
import type { WatcherEvents } from '../../src/backlog/watcher.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { Fault } from '../../src/system/fault.ts';
import { FakeSpool } from '../support/fake-spool.ts';
import { SimClock } from '../support/sim-clock.ts';

const OPTIONS: BacklogOptions = {
  order: 'oldest-first',
  ignore: [],
  settleMs: 0,
  rescanMs: 30_000,
  maxIndexed: 1_000_000,
};

/** A backlog that has not started; its watcher is in the test's hands. */
function prepare(t: TestContext, overrides: Partial<BacklogPorts> = {}) {
  const clock = new SimClock();
  const spool = new FakeSpool();
  const reports: BacklogEvent[] = [];
  const watches: { events: WatcherEvents; stopped: boolean }[] = [];
  const scanned: number[] = [];
  const calls = { work: 0 };
  const backlog = new Backlog({
    spool,
    clock,
    options: OPTIONS,
    onWork: () => void calls.work++,
    onEvent: (event) => {
      if (event.kind === 'scanned') scanned.push(event.result.files);
      else reports.push(event);
    },
    watch: (_path, events) => {
      const watch = { events, stopped: false };
      return {
        start: () => void watches.push(watch),
        stop: async () => {
          watch.stopped = true;
        },
      };
    },
    ...overrides,
  });
  t.after(async () => {
    const stopped = backlog.stop();
    // A scan that hangs is given up a second after a stop.
    await clock.advance(1_000);
    await stopped;
  });
  const takeAll = () => {
    const names: string[] = [];
    for (let entry = backlog.take(); entry !== undefined; entry = backlog.take())
      names.push(String(entry.path));
    return names;
  };
  return { clock, spool, scanned, reports, watches, calls, backlog, takeAll };
}

const path = (name: string) => SpoolPath.from(name);

test('what a scan finds after the backlog was stopped is not taken over', async (t) => {
  const { clock, spool, backlog, calls, scanned } = prepare(t);
  let end: () => void = () => undefined;
  spool.put('a');
  spool.duration = () =>
    new Promise<void>((resolve) => {
      end = resolve;
    });
  backlog.start();
  await clock.advance(0);
  const stopped = backlog.stop();
  end();
  await stopped;
  assert.deepEqual([scanned, calls.work, backlog.view().files], [[], 0, 0]);
});

test('hands out the oldest first, each once', async (t) => {
  const { clock, spool, backlog, calls, takeAll } = prepare(t);
  spool.put('b', 2);
  spool.put('a', 3);
  spool.put('c', 1);
  backlog.start();
  await clock.advance(1);
  assert.equal(calls.work, 1);
  assert.deepEqual(takeAll(), ['c', 'b', 'a']);
  await clock.advance(60_000);
  assert.deepEqual(takeAll(), []);
  assert.equal(backlog.view().inFlight, 3);
});

test('a file that is removed before a scan tells of it is not handed out again, and not counted', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  assert.deepEqual(takeAll(), ['a']);
  spool.telling = () => clock.sleep(100);
  backlog.rescan();
  await clock.advance(50);
  spool.files.delete('a');
  backlog.release(path('a'), 'gone');
  await clock.advance(100);
  assert.deepEqual([takeAll(), backlog.view().files, backlog.view().arrivedFiles], [[], 0, 0]);
});

test('gives nothing before it is started and after it is stopped', async (t) => {
  const { clock, spool, backlog } = prepare(t);
  spool.put('a');
  assert.equal(backlog.take(), undefined);
  backlog.start();
  await clock.advance(1);
  await backlog.stop();
  assert.equal(backlog.take(), undefined);
  assert.equal(clock.pending, 0);
});

test('a file that is being written comes back at its time, and is not counted as deferred', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a', 1);
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), { deferForMs: 60_000, whenChangedMs: 1_000 });
  assert.deepEqual([backlog.view().written, backlog.view().deferred], [1, 0]);
  await clock.advance(59_000);
  assert.deepEqual(takeAll(), []);
  await clock.advance(1_100);
  assert.deepEqual(takeAll(), ['a']);
  assert.equal(backlog.view().written, 0);
});

for (const [how, change] of [
  ['a hint', (bench: ReturnType<typeof prepare>) => bench.backlog.hint(path('a'))],
  ['a scan', ({ spool }: ReturnType<typeof prepare>) => spool.put('a', 2)],
] as const) {
  test(`a file that is being written comes back sooner when ${how} tells that it changed`, async (t) => {
    const bench = prepare(t, { options: { ...OPTIONS, rescanMs: 5_000 } });
    const { clock, spool, backlog, takeAll } = bench;
    spool.put('a', 1);
    backlog.start();
    await clock.advance(1);
    takeAll();
    backlog.release(path('a'), { deferForMs: 60_000, whenChangedMs: 1_000 });
    await clock.advance(500);
    change(bench);
    await clock.advance(200);
    assert.deepEqual(takeAll(), [], 'not at once: it may be changing all the time');
    await clock.advance(6_000);
    assert.deepEqual(takeAll(), ['a']);
  });
}

test('a deferred file stays deferred whatever happens to it', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a', 1);
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), { deferForMs: 60_000 });
  spool.put('a', 2);
  backlog.hint(path('a'));
  await clock.advance(40_000);
  assert.deepEqual(takeAll(), []);
});

test('hands a file out again after it was released to be looked at again', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), 'again');
  assert.deepEqual(takeAll(), []);
  await clock.advance(100);
  assert.deepEqual(takeAll(), ['a']);
});

test('hands a file out at once that was returned as it was, and after a scan where the rules have changed since', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), 'returned');
  assert.deepEqual(takeAll(), ['a']);
  backlog.setOptions({ ...OPTIONS, ignore: ['b'] });
  backlog.release(path('a'), 'returned');
  assert.deepEqual(takeAll(), []);
  await clock.advance(100);
  assert.deepEqual(takeAll(), ['a']);
});

test('a deferred file that new rules leave alone is not handed out any more', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a');
  spool.put('b');
  backlog.start();
  await clock.advance(1);
  takeAll();
  for (const name of ['a', 'b']) backlog.release(path(name), { deferForMs: 70_000 });
  backlog.setOptions({ ...OPTIONS, ignore: ['a'] });
  backlog.retryDeferred();
  assert.deepEqual(takeAll(), []);
  await clock.advance(70_100);
  assert.deepEqual(takeAll(), ['b']);
});

test('keeps a deferred file back until its time, through any number of scans', async (t) => {
  const { clock, spool, backlog, takeAll, calls } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), { deferForMs: 70_000 });
  await clock.advance(69_990);
  assert.ok(spool.scans >= 3);
  assert.deepEqual(takeAll(), []);
  assert.deepEqual([backlog.view().deferred, backlog.view().files], [1, 1]);
  const before = calls.work;
  await clock.advance(20);
  assert.equal(calls.work, before + 1);
  assert.deepEqual(takeAll(), ['a']);
});

test('does not lose a file that becomes due while a scan runs', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  takeAll();
  backlog.release(path('a'), { deferForMs: 500 });
  spool.duration = (signal) => clock.sleep(1_000, signal);
  backlog.hint();
  await clock.advance(2_000);
  assert.deepEqual(takeAll(), ['a']);
});

test('tries everything deferred at once when asked to', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  for (const name of ['a', 'b']) spool.put(name);
  backlog.start();
  await clock.advance(1);
  for (const name of takeAll()) backlog.release(path(name), { deferForMs: 1e9 });
  backlog.retryDeferred();
  assert.deepEqual(takeAll(), ['a', 'b']);
});

/** Ten files of which the first six fail for ten minutes, where two may be deferred and three are at hand. */
async function overflow(t: TestContext) {
  const world = prepare(t, { bounds: { deferred: 2, indexed: 3 } });
  const { clock, spool, backlog } = world;
  for (let file = 0; file < 10; file++) spool.put(`f${file}`, file);
  backlog.start();
  const taken: string[] = [];
  /** Seconds pass in which whatever is handed out fails, or is uploaded. */
  const go = async (seconds: number, fails: (name: string) => boolean = (name) => name < 'f6') => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1_000);
      for (let entry = backlog.take(); entry !== undefined; entry = backlog.take()) {
        const name = String(entry.path);
        taken.push(name);
        if (!fails(name)) spool.files.delete(name);
        backlog.release(entry.path, fails(name) ? { deferForMs: 600_000 } : 'gone');
      }
    }
  };
  await go(60);
  return { ...world, taken, go };
}

test('files that fail, however many, do not keep the others waiting', async (t) => {
  // Nothing was handed out once too many files were deferred, and when these were due, the same failed again.
  const { taken, backlog } = await overflow(t);
  assert.deepEqual(taken, ['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9']);
  assert.equal(backlog.view().deferred, 6, 'two as entries, four merely passed over');
  assert.equal(backlog.view().oldestModifiedAtMs, 0);
});

test('the files of a held folder take no place of others, and one stays at hand to be tried', async (t) => {
  const { clock, spool, backlog } = prepare(t, { bounds: { indexed: 10 } });
  for (let file = 0; file < 200; file++) spool.put(`cam2/${file}`, file);
  for (let file = 0; file < 5; file++) spool.put(`cam1/${file}`, 1_000 + file);
  backlog.start();
  await clock.advance(1_000);
  backlog.hold('cam2/');
  await clock.advance(1_000);
  const isHeld = ({ path }: Entry) => path.id.startsWith('cam2/');
  const others = Array.from({ length: 6 }, () => backlog.take((entry) => !isHeld(entry)));
  assert.deepEqual(
    others.map((entry) => entry?.path.id),
    ['cam1/0', 'cam1/1', 'cam1/2', 'cam1/3', 'cam1/4', undefined],
  );
  assert.equal(backlog.heldFiles('cam2/'), 200);
  assert.equal(backlog.view().deferred, 200);
  const tried = backlog.take(isHeld);
  assert.ok(tried !== undefined);
  assert.equal(backlog.take(isHeld), undefined, 'one of them');
  backlog.release(tried.path, { deferForMs: 60_000 });
  backlog.free('cam2/');
  await clock.advance(1_000);
  assert.ok(backlog.take(isHeld) !== undefined && backlog.take(isHeld) !== undefined, 'all of them again');
});

test('files that failed when too many were deferred come back when they are due', async (t) => {
  const { taken, go, spool } = await overflow(t);
  await go(500);
  assert.equal(taken.length, 10, 'not before');
  await go(100, () => false);
  assert.deepEqual(taken.slice(10).toSorted(), ['f0', 'f1', 'f2', 'f3', 'f4', 'f5']);
  assert.equal(spool.files.size, 0);
});

test('files that failed when too many were deferred come back when all are to be tried at once', async (t) => {
  const { go, spool, backlog } = await overflow(t);
  backlog.retryDeferred();
  await go(2, () => false);
  assert.equal(spool.files.size, 0);
});

test('finds what no event told of, by the rescan interval', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  backlog.start();
  await clock.advance(1_000);
  spool.put('a', 1, 5);
  await clock.advance(30_000);
  assert.deepEqual(takeAll(), ['a']);
});

test('an empty watched spool costs one timer and one scan each rescan interval', async (t) => {
  const { clock, spool, backlog, watches } = prepare(t);
  backlog.start();
  await clock.advance(1);
  watches[0]?.events.onReady();
  await clock.advance(200);
  const before = spool.scans;
  assert.equal(clock.pending, 1);
  await clock.advance(300_000);
  assert.equal(spool.scans - before, 10);
});

test('scans right after the watches are in place: what came before gives no event', async (t) => {
  const { clock, spool, backlog, watches, takeAll } = prepare(t);
  backlog.start();
  await clock.advance(1);
  spool.put('a');
  assert.equal(backlog.view().watching, false);
  watches[0]?.events.onReady();
  assert.equal(backlog.view().watching, true);
  await clock.advance(100);
  assert.deepEqual(takeAll(), ['a']);
});

test('gathers a burst of hints into one scan', async (t) => {
  const { clock, spool, backlog, watches } = prepare(t);
  backlog.start();
  await clock.advance(1);
  const before = spool.scans;
  for (let hint = 0; hint < 1_000; hint++) watches[0]?.events.onHint(path(`f${hint}`));
  await clock.advance(200);
  assert.equal(spool.scans, before + 1);
});

test('takes no hint about a file in flight: that is its own upload being removed', async (t) => {
  const { clock, spool, backlog, watches, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  takeAll();
  const before = spool.scans;
  watches[0]?.events.onHint(path('a'));
  await clock.advance(1_000);
  assert.equal(spool.scans, before);
});

test('spends no more than a tenth of the time scanning, however many hints come', async (t) => {
  const { clock, spool, backlog } = prepare(t);
  spool.duration = (signal) => clock.sleep(1_000, signal);
  backlog.start();
  for (let second = 0; second < 100; second++) {
    backlog.hint();
    await clock.advance(1_000);
  }
  // One at 0 s, 10 s, …, 100 s.
  assert.equal(spool.scans, 11);
});

test('looks again when a file is due to settle', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t, { options: { ...OPTIONS, settleMs: 2_000 } });
  backlog.start();
  await clock.advance(10_000);
  spool.put('a', clock.wallMs());
  backlog.hint();
  await clock.advance(1_999);
  assert.equal(backlog.view().unsettled, 1);
  assert.deepEqual(takeAll(), []);
  await clock.advance(2);
  assert.deepEqual(takeAll(), ['a']);
});

test('drains a backlog of many times what it holds, oldest first', async (t) => {
  const { clock, spool, backlog } = prepare(t, { bounds: { indexed: 10 } });
  for (let file = 0; file < 500; file++) spool.put(`f${file}`, file);
  backlog.start();
  const taken: number[] = [];
  for (let round = 0; round < 2_000 && spool.files.size > 0; round++) {
    const entry = backlog.take();
    await clock.advance(10);
    if (entry === undefined) continue;
    taken.push(entry.modifiedAtMs);
    spool.files.delete(String(entry.path));
    backlog.release(entry.path, 'gone');
  }
  assert.deepEqual(
    taken,
    Array.from({ length: 500 }, (_, file) => file),
  );
  assert.equal(backlog.view().files, 0);
});

test('the bound of the index is large enough for one scan per 100,000 drained files, however they lie in the folder', async (t) => {
  const indexed = 1_000;
  for (const direction of [1, -1]) {
    const { clock, spool, backlog } = prepare(t, { bounds: { indexed } });
    for (let file = 0; file < 20 * indexed; file++) spool.put(`f${file}`, 1e6 + direction * file);
    backlog.start();
    await clock.advance(1);
    let drained = 0;
    const drainedAtScan = [0];
    while (spool.files.size > indexed / 2) {
      const entry = backlog.take();
      if (entry !== undefined) {
        spool.files.delete(entry.path.id);
        backlog.release(entry.path, 'gone');
        drained += 1;
      }
      if (drained % 10 === 0) await clock.advance(10);
      if (spool.scans > drainedAtScan.length) drainedAtScan.push(drained);
    }
    assert.ok(drainedAtScan.length > 10);
    const least = Math.min(...drainedAtScan.slice(1).map((at, scan) => at - (drainedAtScan[scan] ?? 0)));
    const ofDefault = ((least - 10) / indexed) * Number(optionByKey.get('spool.maxIndexed')?.default);
    assert.ok(ofDefault >= 100_000, `${ofDefault} files`);
  }
});

test('scans once more when all of a deep spool is drained, and not while files of it wait', async (t) => {
  const { clock, spool, backlog } = prepare(t);
  for (let file = 0; file < 200_000; file++) spool.put(`f${file}`, file);
  backlog.start();
  await clock.advance(1);
  const drain = (files: number) => {
    for (let count = 0; count < files; count++) {
      const entry = backlog.take();
      if (entry === undefined) return;
      spool.files.delete(entry.path.id);
      backlog.release(entry.path, 'gone');
    }
  };
  drain(150_000);
  await clock.advance(50_000);
  assert.deepEqual([spool.scans, backlog.view().files], [1, 50_000]);
  spool.put('new');
  drain(50_000);
  backlog.take();
  await clock.advance(1_000);
  assert.deepEqual([spool.scans, backlog.view().files, `${backlog.take()?.path}`], [2, 1, 'new']);
});

test('hands out the best of what a long first scan has found so far', async (t) => {
  const { clock, spool, backlog, calls, takeAll } = prepare(t);
  for (const [name, modifiedAtMs] of [
    ['b', 2],
    ['a', 1],
  ] as const)
    spool.put(name, modifiedAtMs);
  spool.duration = (signal) => clock.sleep(5_000, signal);
  backlog.start();
  await clock.advance(200);
  assert.deepEqual(takeAll(), [], 'a scan of a shallow spool would be through soon');
  await clock.advance(100);
  assert.deepEqual(takeAll(), ['a', 'b']);
  assert.equal(backlog.view().known, false);
  spool.files.clear();
  for (const name of ['a', 'b']) backlog.release(path(name), 'gone');
  await clock.advance(5_000);
  const { known, files, arrivedFiles, removedFiles } = backlog.view();
  assert.deepEqual([known, files, arrivedFiles, removedFiles, calls.work], [true, 0, 0, 2, 0]);
});

test('does not scan on and on when nothing of what it counts can be handed out', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t, { bounds: { indexed: 2 } });
  for (const name of ['a', 'b', 'c']) spool.put(name);
  backlog.start();
  await clock.advance(1);
  while (backlog.view().inFlight < 3) {
    takeAll();
    await clock.advance(200);
  }
  const before = spool.scans;
  await clock.advance(29_000);
  assert.ok(spool.scans - before <= 1);
});

test('keeps the counts between scans, and counts arrivals from the second scan on', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a', 5, 10);
  spool.put('b', 6, 20);
  backlog.start();
  await clock.advance(1);
  const { files, bytes, oldestModifiedAtMs, arrivedFiles } = backlog.view();
  assert.deepEqual([files, bytes, oldestModifiedAtMs, arrivedFiles], [2, 30, 5, 0]);
  takeAll();
  assert.deepEqual([backlog.view().inFlight, backlog.view().inFlightBytes, backlog.view().scans], [2, 30, 1]);
  spool.files.delete('a');
  backlog.release(path('a'), 'gone');
  const { removedFiles, removedBytes, inFlightBytes } = backlog.view();
  assert.deepEqual([removedFiles, removedBytes, inFlightBytes], [1, 10, 20]);
  assert.deepEqual(
    [backlog.view().files, backlog.view().bytes, backlog.view().oldestModifiedAtMs],
    [1, 20, 6],
  );
  spool.put('c', 7, 40);
  backlog.hint();
  await clock.advance(200);
  const later = backlog.view();
  assert.deepEqual([later.files, later.bytes, later.arrivedFiles, later.arrivedBytes], [2, 60, 1, 40]);
});

test('counts a file once that is removed after a running scan has seen it, and does not hand it out', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  spool.put('a', 1, 10);
  spool.put('b', 2, 20);
  backlog.start();
  await clock.advance(1);
  spool.duration = (signal) => clock.sleep(50, signal);
  backlog.hint();
  await clock.advance(110);
  const entry = backlog.take();
  assert.equal(String(entry?.path), 'a');
  spool.files.delete('a');
  backlog.release(path('a'), 'gone');
  await clock.advance(100);
  assert.deepEqual([backlog.view().files, backlog.view().bytes, backlog.view().arrivedFiles], [1, 20, 0]);
  assert.deepEqual(takeAll(), ['b']);
});

test('tells a failure once, hands out nothing, and tells when it is over', async (t) => {
  const { clock, spool, backlog, reports, watches } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1);
  spool.error = new Fault('breaker', 'the spool is gone', {
    operation: 'scan',
    subject: '/spool',
    code: 'spool-gone',
  });
  await clock.advance(60_000);
  assert.deepEqual(
    reports.map(({ kind }) => kind),
    ['scanFailed'],
  );
  assert.equal(backlog.view().fault?.code, 'spool-gone');
  assert.equal(backlog.view().files, 1);
  assert.equal(backlog.take(), undefined);
  assert.equal(watches[0]?.stopped, true);
  spool.error = undefined;
  await clock.advance(5_000);
  assert.equal(reports.at(-1)?.kind, 'scanRecovered');
  assert.equal(watches.length, 2);
  assert.ok(backlog.take());
});

test('watches only while the spool is shallow', async (t) => {
  const { clock, spool, backlog, watches } = prepare(t, { bounds: { watch: { files: 4, folders: 9 } } });
  for (const name of ['a', 'b']) spool.put(name);
  backlog.start();
  await clock.advance(1);
  assert.deepEqual([watches.length, backlog.view().deep], [0, true]);
  spool.files.delete('a');
  await clock.advance(30_000);
  assert.deepEqual([watches.length, backlog.view().deep], [1, false]);
  for (const name of ['a', 'c']) spool.put(name);
  await clock.advance(30_000);
  assert.equal(watches[0]?.stopped, false);
  spool.put('d');
  await clock.advance(30_000);
  assert.equal(watches[0]?.stopped, true);
});

test('warns once when no watches are left, and finds files all the same', async (t) => {
  const { clock, spool, backlog, watches, reports, takeAll } = prepare(t);
  backlog.start();
  await clock.advance(1);
  watches[0]?.events.onUnavailable('ENOSPC');
  watches[0]?.events.onReady();
  spool.put('a');
  await clock.advance(60_000);
  assert.deepEqual(reports, [{ kind: 'watchUnavailable', code: 'ENOSPC' }]);
  assert.equal(backlog.view().watching, false);
  assert.deepEqual(takeAll(), ['a']);
});

test('tells within 15 s what a scan waits for, and hands out what is known meanwhile', async (t) => {
  const { clock, spool, backlog, reports, takeAll } = prepare(t);
  spool.put('a');
  backlog.start();
  await clock.advance(1_000);
  spool.silentAt = '';
  await clock.advance(30_000);
  await clock.advance(15_000);
  const messages = reports.map((report) =>
    report.kind === 'scanFailed' ? report.fault.message : report.kind,
  );
  assert.deepEqual(messages, ['the scan waits for /spool, which does not answer']);
  assert.equal(backlog.view().fault?.message, messages[0]);
  assert.deepEqual(takeAll(), ['a']);
});

test('scans every 2 s what cannot be watched because something is mounted in it', async (t) => {
  const { clock, spool, backlog } = prepare(t);
  spool.hasSilent = true;
  backlog.start();
  await clock.advance(20_000);
  assert.ok(spool.scans >= 10, `${spool.scans} scans`);
  assert.equal(backlog.view().watching, false);
});

test('reports each odd thing once, and tells how many there are', async (t) => {
  const { clock, spool, backlog, reports } = prepare(t);
  spool.odd.set('link', { kind: 'symbolic link' });
  backlog.start();
  await clock.advance(0);
  await clock.advance(30_000);
  assert.deepEqual(
    reports.map((report) => report.kind === 'oddities' && [report.oddity.kind, report.paths.map(String)]),
    [['symbolic link', ['link']]],
  );
  assert.deepEqual(
    backlog.view().skipped.map(({ what, count, example }) => [what, count, `${example}`]),
    [['a symbolic link', 1, 'link']],
  );
  spool.odd.clear();
  await clock.advance(30_000);
  assert.deepEqual(backlog.view().skipped, []);
});

test('applies new options to what is not in flight', async (t) => {
  const { clock, spool, backlog, takeAll } = prepare(t);
  for (const [name, modifiedAtMs] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
    ['x.tmp', 4],
  ] as const)
    spool.put(name, modifiedAtMs);
  backlog.start();
  await clock.advance(1);
  assert.equal(String(backlog.take()?.path), 'a');
  backlog.setOptions({ ...OPTIONS, order: 'newest-first', ignore: ['*.tmp'], rescanMs: 1_000 });
  await clock.advance(100);
  assert.deepEqual(takeAll(), ['c', 'b']);
  assert.equal(backlog.view().files, 3);
});

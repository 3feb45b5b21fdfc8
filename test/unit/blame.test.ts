// One bad file, folder or kind of fault stops only itself: what the drain does with whose fault it is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, fails, faultOf } from '../support/drain-bench.ts';

const DENIED = faultOf('unknown', { code: 'AccessDenied' });

/** A store that may be written below some folders alone, by files and by our own objects. */
function allowOnly(bench: DrainBench, allowed: (key: string) => boolean): void {
  bench.store.onTrial = (folder) => (allowed(`${folder}.own`) ? Promise.resolve() : Promise.reject(DENIED));
  for (const name of bench.contents.keys()) if (!allowed(name)) bench.store.answers.set(name, fails(DENIED));
}

function pauses(bench: DrainBench): string[] {
  return bench.events.filter((event) => event.startsWith('paused'));
}

for (const { what, fault } of [
  { what: 'a name it does not take', fault: faultOf('unknown', { code: 'XSomethingNew' }) },
  { what: '403', fault: DENIED },
  { what: '405', fault: faultOf('unknown', { code: 'MethodNotAllowed' }) },
  { what: '413', fault: faultOf('unknown', { code: 'EntityTooLarge' }) },
  { what: '500, for ever', fault: faultOf('transient', { code: 'InternalError' }) },
  { what: 'a connection that breaks', fault: faultOf('transient', { code: 'ECONNRESET' }) },
  { what: 'a quota that others fit into', fault: faultOf('breaker', { code: 'QuotaExceeded' }) },
]) {
  test(`good files pass beside many older ones that the store answers with ${what}`, async () => {
    const bench = new DrainBench();
    const bad = Array.from({ length: 300 }, (_, at) => `bad${at}`);
    for (const name of bad) bench.store.answers.set(name, fails(fault));
    const good = Array.from({ length: 1_000 }, (_, at) => `good${at}`);
    await bench.startClosed();
    await bench.comeBack([...bad, ...good], 3);
    assert.equal(bench.removed.length, 1_000, 'all of them, and soon');
    assert.deepEqual(pauses(bench), []);
    assert.ok(bench.store.trials.length < 15, `${bench.store.trials.length} objects of our own`);
  });
}

test('bad files in front get a twentieth of what passes while good ones wait behind them', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 1;
  for (let file = 0; file < 300; file += 1) {
    bench.put(`bad${file}`);
    bench.store.answers.set(`bad${file}`, fails(DENIED));
  }
  for (let file = 0; file < 1_000; file += 1) bench.put(`good${file}`);
  await bench.startClosed();
  const order = bench.store.uploads;
  const lastGood = order.findLastIndex((name) => name.startsWith('good'));
  const before = order.slice(0, lastGood).filter((name) => name.startsWith('bad')).length;
  assert.ok(before <= 60, `${before} bad ones before the last good one`);
});

test('what the store refuses for the file ends in quarantine after its attempts, with waits that grow', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('bad', fails(DENIED));
  await bench.startClosed();
  const goods = Array.from({ length: 60 }, (_, at) => `good${at}`);
  for (const good of goods) {
    bench.put(good);
    await bench.comeBack(['bad'].slice(bench.quarantined.length), 1);
  }
  assert.deepEqual(bench.outcomesOf('bad').at(-1), 'gone');
  assert.equal(bench.quarantined.length, 1);
});

test('what only our own object passes beside is no proof against many files: none goes to quarantine', async () => {
  // A store that is nearly full takes an object of some bytes.
  const bench = new DrainBench();
  const names = Array.from({ length: 30 }, (_, at) => `f${at}`);
  for (const name of names) bench.store.answers.set(name, fails(faultOf('unknown', { code: 'Http413' })));
  await bench.startClosed();
  await bench.comeBack(names, 600);
  assert.deepEqual(bench.quarantined, []);
  assert.deepEqual(pauses(bench), []);
});

test('a large file that the store refuses waits so long that it takes a twentieth of the line', async () => {
  const bench = new DrainBench({ resumableFromBytes: 50_000 });
  bench.rateBytesPerSec = 10_000;
  bench.put('large', Buffer.alloc(40_000));
  bench.store.answers.set('large', fails(faultOf('unknown', { code: 'EntityTooLarge' })));
  await bench.startClosed();
  assert.deepEqual(bench.outcomesOf('large'), [80_000]);
});

test('a denied folder waits as a whole after a few refusals, told once, and the others go on', async () => {
  const bench = new DrainBench();
  for (let file = 0; file < 500; file += 1) bench.put(`cam2/2026/${file}`);
  for (let file = 0; file < 50; file += 1) bench.put(`cam1/${file}`);
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  assert.equal(bench.removed.length, 50);
  assert.deepEqual(
    bench.events.filter((event) => event.startsWith('held')),
    ['held cam2/'],
  );
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  assert.deepEqual(
    bench.drain.waiting.map(({ isFolder }) => isFolder),
    [true],
    'what had failed before waits with the folder, and is not counted beside it',
  );
  const tried = () => bench.store.uploads.filter((key) => key.startsWith('cam2/')).length;
  assert.ok(tried() < 10, `${tried()} tried`);
  await bench.clock.advance(600_000);
  assert.ok(tried() < 100, `${tried()} tried in ten minutes with a probe a second at first`);
  assert.deepEqual(bench.quarantined, []);
  assert.deepEqual(pauses(bench), []);
});

test('a held folder is free at once when a file of it passes', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 1;
  for (let file = 0; file < 20; file += 1) bench.put(`cam2/${file}`);
  bench.put('cam1/a');
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  bench.store.answers.clear();
  await bench.clock.advance(10_000);
  assert.ok(bench.events.includes('freed cam2/'));
  assert.deepEqual([...bench.heldFolders], []);
  const left = 20 - bench.outcomesOf('cam2/0').length;
  assert.ok(bench.removed.length > left - 5, 'and its files go');
});

/** Its folder cam2 was held with four files in it; from now on the store takes objects of our own there, and no file. */
async function heldThenAllowed(): Promise<DrainBench> {
  const bench = new DrainBench();
  for (let file = 0; file < 4; file += 1) bench.put(`cam2/${file}`);
  bench.put('cam1/a');
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(10_000);
  return bench;
}

test('a held folder without a file at hand is asked with an object of our own', async () => {
  const bench = await heldThenAllowed();
  assert.ok(bench.events.includes('freed cam2/'));
});

test('a held folder is freed by an object of our own when every file of it fails by itself', async () => {
  const bench = await heldThenAllowed();
  assert.deepEqual([...bench.heldFolders], []);
  await bench.comeBack(['cam2/0', 'cam2/1', 'cam2/2', 'cam2/3'], 600);
  assert.equal(bench.quarantined.length, 4, 'after their own attempts');
});

test('new settings free every held folder', async () => {
  const bench = new DrainBench();
  for (let file = 0; file < 4; file += 1) bench.put(`cam2/${file}`);
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  bench.reconfigure({});
  assert.deepEqual([...bench.heldFolders], []);
});

test('files of one folder that are refused one by one do not hold the folder', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 1;
  for (let file = 0; file < 100; file += 1) bench.put(`d/${file}.exe`);
  for (let file = 0; file < 100; file += 1) bench.put(`d/${file}.jpg`);
  allowOnly(bench, (key) => !key.endsWith('.exe'));
  await bench.startClosed();
  assert.equal(bench.removed.length, 100);
  assert.deepEqual([...bench.heldFolders], []);
  assert.ok(bench.store.trials.length < 12, `${bench.store.trials.length} objects of our own`);
});

test('credentials for one folder alone: the others wait, and nothing pauses', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 1;
  for (let file = 0; file < 100; file += 1) bench.put(`cam2/${file}`);
  for (let file = 0; file < 10; file += 1) bench.put(`${file}`);
  for (let file = 0; file < 10; file += 1) bench.put(`cam1/2026/${file}`);
  allowOnly(bench, (key) => key.startsWith('cam1/'));
  await bench.startClosed();
  assert.equal(bench.removed.length, 10);
  assert.deepEqual(pauses(bench), []);
  assert.deepEqual([...bench.heldFolders].toSorted(), ['', 'cam2/']);
});

test('expired credentials pause the drain, though a folder worked just before', async () => {
  const bench = new DrainBench();
  bench.put('cam1/a');
  allowOnly(bench, (key) => key.startsWith('cam1/'));
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['cam1/a']);
  bench.put('cam1/b');
  allowOnly(bench, () => false);
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(pauses(bench), ['paused unknown']);
  assert.deepEqual(bench.outcomesOf('cam1/b'), ['again']);
});

test('the alarm of a pause tells what the store says of our own object, not what it said of the file', async () => {
  const bench = new DrainBench();
  bench.put('bad');
  bench.store.answers.set('bad', fails(faultOf('unknown', { code: 'EntityTooLarge' })));
  bench.store.onTrial = () => Promise.reject(faultOf('transient', { code: 'ECONNREFUSED' }));
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused transient']);
});

for (const { code, faultClass, outcomes } of [
  { code: 'EIO', faultClass: 'unknown', outcomes: [500, 1_000, 'gone'] },
  { code: 'ETIMEDOUT', faultClass: 'transient', outcomes: [500, 1_000, 2_000, 4_000] },
  { code: 'ENOSPC', faultClass: 'transient', outcomes: [500, 1_000, 2_000, 4_000] },
  { code: 'EAGAIN', faultClass: 'transient', outcomes: [500, 1_000, 2_000, 4_000] },
  { code: 'ENOKEY', faultClass: 'blocked', outcomes: [600_000] },
  { code: 'EROFS', faultClass: 'breaker', outcomes: [500, 1_000, 2_000, 4_000] },
] as const) {
  test(`files that this machine cannot read (${code}) pause nothing, ask nothing of the store, and let the others pass`, async () => {
    const bench = new DrainBench();
    const bad = Array.from({ length: 40 }, (_, at) => `bad${at}`);
    for (const name of bad)
      bench.spoolFaults.set(`open ${name}`, faultOf(faultClass, { code, isLocal: true }));
    for (let file = 0; file < 20; file += 1) bench.put(`good${file}`);
    await bench.startClosed();
    await bench.comeBack(bad, 12);
    assert.equal(bench.removed.length, 20);
    assert.deepEqual(pauses(bench), []);
    assert.deepEqual(bench.store.trials, []);
    assert.deepEqual(bench.outcomesOf('bad7').slice(0, outcomes.length), outcomes);
    assert.deepEqual(
      bench.news.filter((name) => name === 'bad7'),
      ['bad7'],
      'told once, as the file’s own',
    );
  });
}

test('a file of a spool that cannot be used is tried again within a minute, however often', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 300_000, maxAttempts: 3 } });
  bench.spoolFaults.set('open a', faultOf('breaker', { code: 'EROFS', isLocal: true }));
  await bench.startClosed();
  await bench.comeBack(['a'], 400);
  const waits = bench.outcomesOf('a').map(Number);
  assert.equal(Math.max(...waits), 60_000);
});

test('a file that fails with its held folder waits as long as a file waits at most', async () => {
  const bench = new DrainBench();
  for (let file = 0; file < 4; file += 1) bench.put(`cam2/${file}`);
  bench.put('cam1/a');
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  const last = bench.releases.filter(({ path }) => path.startsWith('cam2/')).at(-1);
  assert.equal(last?.outcome, bench.options.retry.maxMs);
});

test('a file under a lease is tried again within seconds, however often', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 300_000, maxAttempts: 3 } });
  bench.spoolFaults.set('open a', faultOf('transient', { code: 'EAGAIN', isLocal: true }));
  await bench.startClosed();
  await bench.comeBack(['a'], 60);
  assert.ok(bench.outcomesOf('a').every((delay) => typeof delay === 'number' && delay <= 5_000));
  assert.deepEqual(bench.quarantined, []);
});

test('tells how many files wait for what, the most frequent reason first, and forgets those that passed', async () => {
  const bench = new DrainBench();
  for (const name of ['a', 'b', 'c']) {
    bench.put(name);
    bench.store.answers.set(name, fails(faultOf('unknown', { code: name === 'a' ? 'Odd' : 'Http413' })));
  }
  await bench.startClosed();
  const told = () => bench.drain.waiting.map(({ reason, files, example }) => [reason, files, example]);
  assert.deepEqual(told(), [
    ['Http413', 2, 'c'],
    ['Odd', 1, 'a'],
  ]);
  bench.store.answers.clear();
  await bench.tryAgain('b');
  assert.deepEqual(told(), [
    ['Odd', 1, 'a'],
    ['Http413', 1, 'c'],
  ]);
});

test('files that this machine cannot read are a twentieth of what is tried while good ones wait behind them', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 0;
  bench.limit = 1;
  for (let file = 0; file < 200; file += 1) {
    bench.put(`bad${file}`);
    bench.spoolFaults.set(`open bad${file}`, faultOf('blocked', { code: 'EACCES', isLocal: true }));
  }
  for (let file = 0; file < 100; file += 1) bench.put(`good${file}`);
  await bench.startClosed();
  const lastGood = bench.releases.findLastIndex(({ path }) => path.startsWith('good'));
  const bad = bench.releases.slice(0, lastGood).filter(({ path }) => path.startsWith('bad')).length;
  assert.ok(bad <= 20, `${bad} bad ones before the last good one`);
});

test('failures that come one by one between files that pass ask nothing of the store', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  for (let file = 0; file < 20; file += 1) {
    bench.store.answers.set(`bad${file}`, fails(faultOf('transient', { code: 'ECONNRESET' })));
    for (const name of [`bad${file}`, `good${file}`]) {
      bench.put(name);
      await bench.clock.advance(1_000);
    }
  }
  assert.deepEqual([bench.store.trials, pauses(bench)], [[], []]);
});

test('a store that has just taken an object of our own at the end of a pause is not asked again for the next file', async () => {
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store was away' }, 0);
  bench.drain.start();
  await bench.clock.advance(3_000);
  assert.deepEqual(bench.store.trials, ['']);
  bench.store.answers.set('bad', fails(faultOf('breaker')));
  bench.put('bad');
  await bench.clock.advance(1_000);
  assert.deepEqual([bench.store.uploads, bench.store.trials], [['bad'], ['']]);
});

test('an upload that fails during a pause is not blamed, and the store is not asked for its sake', async () => {
  const bench = new DrainBench();
  let refuse: () => void = () => assert.fail('not sent');
  bench.store.answers.set(
    'large',
    () =>
      new Promise((_, reject) => {
        refuse = () => reject(faultOf('file'));
      }),
  );
  bench.store.answers.set('refused', fails(DENIED));
  bench.store.onTrial = () => Promise.reject(DENIED);
  bench.put('large', Buffer.alloc(2_000));
  bench.put('refused');
  await bench.startClosed();
  assert.deepEqual(pauses(bench), ['paused unknown']);
  const asked = bench.store.trials.length;
  refuse();
  await bench.settle();
  assert.deepEqual([bench.outcomesOf('large'), bench.quarantined], [['again'], []]);
  assert.equal(bench.store.trials.length, asked);
});

test('a store that cannot be asked for want of descriptors is not blamed for it', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(DENIED));
  bench.store.onTrial = () => Promise.reject(faultOf('transient', { code: 'EMFILE', isLocal: true }));
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual([pauses(bench), bench.outcomesOf('a')], [[], [500]]);
});

test('a folder is not held when the store cannot be reached while it is asked there', async () => {
  const bench = new DrainBench();
  for (let file = 0; file < 5; file += 1) bench.put(`cam2/${file}`);
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  bench.store.onTrial = (folder) =>
    folder === 'cam2/' ? Promise.reject(faultOf('transient', { code: 'ECONNRESET' })) : Promise.resolve();
  await bench.startClosed();
  assert.ok(bench.store.trials.includes('cam2/'));
  assert.deepEqual([...bench.heldFolders], []);
});

test('files of one folder that fail together have an object of our own put there once', async () => {
  const bench = new DrainBench();
  const refusals: (() => void)[] = [];
  for (let file = 0; file < 4; file += 1) {
    bench.put(`cam2/${file}`);
    bench.store.answers.set(
      `cam2/${file}`,
      () => new Promise((_, reject) => refusals.push(() => reject(DENIED))),
    );
  }
  let answer: () => void = () => assert.fail('the folder was not asked');
  bench.store.onTrial = (folder) =>
    folder === 'cam2/'
      ? new Promise((_, reject) => {
          answer = () => reject(DENIED);
        })
      : Promise.resolve();
  await bench.startClosed();
  for (const refuse of refusals) refuse();
  await bench.settle();
  answer();
  await bench.settle();
  assert.deepEqual(
    bench.store.trials.filter((folder) => folder === 'cam2/'),
    ['cam2/'],
  );
  assert.deepEqual(
    bench.events.filter((event) => event.startsWith('held')),
    ['held cam2/'],
  );
});

test('files of a held folder that were read ahead and not sent go back, and others stay', async () => {
  const bench = new DrainBench();
  bench.limit = 3;
  for (let file = 0; file < 10; file += 1) bench.put(`cam2/${file}`);
  bench.put('cam1/a');
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  for (const file of [5, 6, 7, 8, 9]) assert.deepEqual(bench.outcomesOf(`cam2/${file}`), ['returned']);
  assert.deepEqual(bench.removed, ['cam1/a']);
});

test('a failure that may be the network’s or the store’s is no news of the file; its own is told once', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(faultOf('transient', { code: 'ECONNRESET' })));
  await bench.startClosed();
  await bench.comeBack(['a'], 4);
  assert.ok(bench.outcomesOf('a').length > 1);
  assert.deepEqual(bench.news, []);
  bench.store.answers.set('b', fails(DENIED));
  await bench.comeBack(['b'], 2);
  assert.deepEqual(bench.news, ['b']);
});

test('a store that is being asked whether it works is not asked a second time meanwhile', async () => {
  const bench = new DrainBench();
  let answer: () => void = () => assert.fail('not probed');
  bench.store.onProbe = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  bench.drain.start();
  await bench.settle();
  bench.put('a');
  bench.drain.pump();
  await bench.clock.advance(5_000);
  assert.equal(bench.store.probes, 1);
  answer();
  await bench.settle();
  assert.deepEqual([bench.store.probes, bench.removed], [1, ['a']]);
});

test('a pause is ended by one attempt at a time', async () => {
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store was away' }, 0);
  let refuse: () => void = () => assert.fail('not asked');
  bench.store.onTrial = () =>
    new Promise((_, reject) => {
      refuse = () => reject(DENIED);
    });
  bench.put('a');
  bench.put('b');
  bench.drain.start();
  await bench.clock.advance(6_000);
  assert.deepEqual(bench.store.trials, ['']);
  refuse();
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.trials, ['']);
});

test('a held folder is asked with an object of our own beside a file of it that fails', async () => {
  const bench = new DrainBench();
  for (let file = 0; file < 4; file += 1) bench.put(`cam2/${file}`);
  allowOnly(bench, (key) => !key.startsWith('cam2/'));
  await bench.startClosed();
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  bench.store.onTrial = async () => undefined;
  bench.put('cam2/0');
  const sent = bench.store.uploads.length;
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.uploads.slice(sent), ['cam2/0']);
  assert.deepEqual([...bench.heldFolders], []);
});

test('each attempt to end a pause with a file sends one from elsewhere in the order', async () => {
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store refuses all' }, 0);
  bench.store.onTrial = () => Promise.reject(DENIED);
  for (let file = 0; file < 10; file += 1) {
    bench.put(`f${file}`);
    bench.store.answers.set(`f${file}`, fails(DENIED));
  }
  bench.drain.start();
  await bench.clock.advance(10_000);
  assert.deepEqual(bench.store.uploads.slice(0, 2), ['f0', 'f6']);
});

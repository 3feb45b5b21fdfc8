// What becomes of a file that fails, and of the rest.
import assert from 'node:assert/strict';
import test from 'node:test';
import { TOUCHED } from '../../src/spool/spool-fault.ts';
import { DrainBench, fails, faultOf, stores } from '../support/drain-bench.ts';

const TEN_MINUTES = 600_000;

for (const { fault, outcome, events } of [
  { fault: faultOf('transient'), outcome: 500, events: ['deferred bad transient 500'] },
  {
    fault: faultOf('transient', { retryAfterMs: 7_000 }),
    outcome: 7_000,
    events: ['deferred bad transient 7000'],
  },
  {
    fault: faultOf('transient', { code: 'SlowDown', asksForFewer: true }),
    outcome: 500,
    events: ['slowDown', 'deferred bad transient 500'],
  },
  { fault: faultOf('breaker'), outcome: 500, events: ['deferred bad breaker 500'] },
  { fault: faultOf('file'), outcome: 'gone', events: ['quarantined bad'] },
  { fault: faultOf('blocked'), outcome: TEN_MINUTES, events: [`deferred bad blocked ${TEN_MINUTES}`] },
  { fault: faultOf('changed'), outcome: 500, events: ['deferred bad changed 500'] },
  { fault: faultOf('changed', { code: 'ENOENT' }), outcome: 'gone', events: [] },
  { fault: faultOf('unknown'), outcome: 500, events: ['deferred bad unknown 500'] },
  { fault: new TypeError('a bug of ours'), outcome: 500, events: ['deferred bad unknown 500'] },
] as const) {
  const what =
    'faultClass' in fault ? `a ${fault.faultClass} fault ${fault.code ?? ''}` : 'an error that is no fault';
  const then =
    typeof outcome === 'number' ? `defers the file for ${outcome} ms` : `releases the file as ${outcome}`;
  test(`${what} ${then} and removes nothing`, async () => {
    const bench = new DrainBench();
    bench.put('bad');
    bench.store.answers.set('bad', fails(fault));
    await bench.startClosed();
    assert.deepEqual(bench.outcomesOf('bad'), [outcome]);
    assert.deepEqual(bench.events, events);
    assert.deepEqual(bench.removed, []);
    bench.checkBooks();
  });
}

test('the rest goes on beside a file that is at fault', async () => {
  const bench = new DrainBench();
  for (const name of ['a', 'bad', 'b', 'c']) bench.put(name);
  bench.store.answers.set('bad', fails(faultOf('file')));
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['a', 'b', 'c']);
  bench.checkBooks();
});

test('quarantine keeps the reason, the code, the remedy and the time', async () => {
  const bench = new DrainBench();
  bench.put('bad');
  bench.store.answers.set('bad', fails(faultOf('file', { code: 'EntityTooLarge', hint: 'split it' })));
  await bench.startClosed();
  assert.deepEqual(bench.quarantined, [
    {
      path: 'bad',
      reason: {
        at: '2026-01-01T00:00:00.000Z',
        reason: 'a file fault',
        code: 'EntityTooLarge',
        hint: 'split it',
      },
    },
  ]);
});

test('a file that cannot be moved to quarantine stays, and is tried again later', async () => {
  const bench = new DrainBench();
  bench.put('bad');
  bench.store.answers.set('bad', fails(faultOf('file')));
  bench.spoolFaults.set('quarantine bad', faultOf('blocked'));
  await bench.startClosed();
  assert.deepEqual(bench.outcomesOf('bad'), [TEN_MINUTES]);
  assert.deepEqual(bench.events, [`deferred bad blocked ${TEN_MINUTES}`]);
  bench.checkBooks();
});

test('a name that can be no key is quarantined, and nothing is opened or sent', async () => {
  const bench = new DrainBench();
  bench.put('x'.repeat(1_025));
  await bench.startClosed();
  assert.deepEqual(bench.events, [`quarantined ${'x'.repeat(1_025)}`]);
  assert.deepEqual(bench.store.uploads, []);
  bench.checkBooks();
});

for (const { faultClass, outcomes } of [
  { faultClass: 'unknown', outcomes: [500, 1_000, 'gone'] },
  // After each wait the file is found anew before the next attempt counts.
  { faultClass: 'changed', outcomes: [500, 'again', 1_000, 'again', 'gone'] },
] as const) {
  test(`a file with ever the same ${faultClass} fault is tried maxAttempts times, then quarantined`, async () => {
    const bench = new DrainBench();
    await bench.startClosed();
    bench.store.answers.set('bad', fails(faultOf(faultClass)));
    for (const _ of outcomes) {
      for (const name of ['good', 'bad']) {
        bench.put(name);
        await bench.clock.advance(1_000);
      }
    }
    assert.deepEqual(bench.outcomesOf('bad'), outcomes);
    assert.equal(bench.quarantined.length, 1);
    bench.checkBooks();
  });
}

test('the only file there is ends in quarantine, too, if the store answers whenever it is asked', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.store.answers.set('bad', fails(faultOf('unknown')));
  await bench.comeBack(['bad'], 120);
  assert.equal(bench.quarantined.length, 1);
  assert.equal(bench.store.trials.length, 4, 'one for each attempt that counts, and one for the folder');
  assert.equal(bench.store.uploads.length, 7);
});

test('what is the fault of nobody does not count towards quarantine', async () => {
  // One count for all: after enough answers of 503, a single unknown fault was enough.
  const bench = new DrainBench();
  await bench.startClosed();
  for (const faultClass of ['transient', 'transient', 'transient', 'unknown'] as const) {
    bench.store.answers.set('a', fails(faultOf(faultClass)));
    for (const name of ['a', 'good']) bench.put(name);
    await bench.clock.advance(1_000);
  }
  assert.deepEqual(bench.outcomesOf('a'), [500, 1_000, 2_000, 4_000]);
});

test('a file that was replaced while it waited begins anew', async () => {
  // Its failures were remembered for ever where its producer removed it then.
  const bench = new DrainBench();
  await bench.startClosed();
  for (const faultClass of ['transient', 'transient', 'changed', 'transient'] as const) {
    bench.store.answers.set('a', fails(faultOf(faultClass)));
    bench.put('a');
    await bench.clock.advance(1_000);
  }
  assert.deepEqual(bench.outcomesOf('a'), [500, 1_000, 'again', 500]);
});

test('a transient fault never leads to quarantine, and its delay is capped', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.store.answers.set('bad', fails(faultOf('transient')));
  for (let attempt = 1; attempt <= 7; attempt += 1) {
    bench.put('bad');
    await bench.clock.advance(1_000);
  }
  assert.deepEqual(bench.outcomesOf('bad'), [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]);
  assert.deepEqual(bench.quarantined, []);
});

for (const { what, fault, othersPass, split } of [
  {
    what: 'a packet that fails while files pass is',
    fault: faultOf('transient'),
    othersPass: true,
    split: 1,
  },
  {
    what: 'a packet that fails with all else is not',
    fault: faultOf('transient'),
    othersPass: false,
    split: 0,
  },
  {
    ...{ what: 'a packet at a store that asks for fewer requests is not', othersPass: true, split: 0 },
    fault: faultOf('transient', { code: 'SlowDown', asksForFewer: true }),
  },
])
  test(`${what} split in the end`, async () => {
    const bench = new DrainBench();
    await bench.startClosed();
    bench.store.answers.set('packet', fails(fault));
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      if (othersPass) bench.put(`good ${attempt}`);
      bench.put('packet', 'its files', true);
      await bench.clock.advance(1_000);
      const quarantined = bench.quarantined.length;
      assert.equal(quarantined, attempt === 4 ? split : 0, `attempt ${attempt}`);
    }
    bench.checkBooks();
  });

test('attempts count for a file until it is uploaded or gone, and then from one again', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  const try_ = async (answer: typeof stores) => {
    bench.store.answers.set('again', answer);
    bench.put('again');
    await bench.clock.advance(1_000);
  };
  await try_(fails(faultOf('unknown')));
  await try_(stores);
  await try_(fails(faultOf('unknown')));
  await try_(fails(faultOf('changed', { code: 'ENOENT' })));
  await try_(fails(faultOf('unknown')));
  assert.deepEqual(bench.outcomesOf('again'), [500, 'gone', 500, 'gone', 500]);
});

test('a file whose permissions change again and again waits, and gets no strike for it', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 2 } });
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('changed', { code: TOUCHED }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  for (let again = 0; again < 5; again += 1) {
    await bench.tryAgain('a');
  }
  assert.deepEqual([bench.quarantined, bench.store.uploads], [[], ['a']]);
  bench.checkBooks();
});

test('a file that changed while it waited is found anew, and not blamed for it', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 2 } });
  await bench.startClosed();
  bench.store.answers.set('a', fails(faultOf('changed')));
  bench.put('a');
  await bench.clock.advance(1_000);
  bench.identitiesAfter.set('found a', { mtimeNs: 2n });
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('a'), [500, 'again'], 'the entry is as old as the wait');
  bench.store.answers.clear();
  bench.identitiesAfter.clear();
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  assert.deepEqual(bench.quarantined, []);
  assert.equal(bench.held, 0);
});

test('a file that goes on changing is never a human’s business, but waited for longer', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 2 } });
  await bench.startClosed();
  bench.modifiedAtMs = bench.clock.wallMs();
  bench.store.answers.set('a', fails(faultOf('changed')));
  await bench.comeBack(['a'], 60);
  assert.deepEqual(bench.quarantined, []);
  assert.ok(bench.changed.length > 2, 'the backlog hears of each time');
});

for (const step of ['open', 'setAside', 'remove']) {
  test(`keeps a file whose ${step} fails, and tries it again slowly`, async () => {
    const bench = new DrainBench();
    bench.put('a');
    bench.spoolFaults.set(`${step} a`, faultOf('blocked', { code: 'EACCES' }));
    await bench.startClosed();
    assert.deepEqual(bench.removed, []);
    assert.deepEqual(bench.outcomesOf('a'), [TEN_MINUTES]);
    bench.checkBooks();
  });
}

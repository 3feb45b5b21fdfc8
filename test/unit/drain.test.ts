// What becomes of a file and of the rest when something fails. Every test also checks the books: an entry taken is
// released exactly once, and nothing is removed without its upload's proof.
import assert from 'node:assert/strict';
import test from 'node:test';
import { TOUCHED } from '../../src/spool/spool-fault.ts';
import type { Upload } from '../../src/store/object-store.ts';
import { DrainBench, FakeStore, fails, faultOf, localContent, Slow, stores } from '../support/drain-bench.ts';

function checkBooks(bench: DrainBench): void {
  assert.equal(bench.held, 0, 'every entry taken is released');
  assert.deepEqual(bench.closedFiles.toSorted(), bench.openedFiles.toSorted(), 'every file opened is closed');
}

test('uploads, proves, removes and releases a file, in this order', async () => {
  const bench = new DrainBench();
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.events, ['removed a', 'uploaded a']);
  assert.deepEqual(bench.removed, ['a']);
  assert.deepEqual(bench.releases, [{ path: 'a', outcome: 'gone' }]);
  checkBooks(bench);
});

test('tells of all content that is read, sent or not', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('standing', async (request, content) => {
    for (let offset = 0; offset < content.length; offset += 1_000) await request.source.read(offset, 1_000);
    return stores(request, content);
  });
  bench.put('standing', Buffer.alloc(5_000));
  await bench.startClosed();
  assert.equal(bench.reads, 5);
  checkBooks(bench);
});

const TEN_MINUTES = 600_000;

for (const { fault, outcome, events } of [
  { fault: faultOf('transient'), outcome: 500, events: ['deferred bad transient 500'] },
  {
    fault: faultOf('transient', { retryAfterMs: 7_000 }),
    outcome: 7_000,
    events: ['deferred bad transient 7000'],
  },
  {
    fault: faultOf('transient', { code: 'SlowDown' }),
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
    checkBooks(bench);
  });
}

for (const faultClass of ['breaker', 'unknown', 'file'] as const) {
  test(`a ${faultClass} fault pauses the drain where an object of our own is refused, too, and leaves the file alone`, async () => {
    const bench = new DrainBench();
    bench.put('bad');
    bench.store.answers.set('bad', fails(faultOf(faultClass)));
    bench.store.onTrial = () => Promise.reject(faultOf('breaker', { code: 'ExpiredToken' }));
    await bench.startClosed();
    assert.deepEqual(bench.outcomesOf('bad'), ['again']);
    assert.deepEqual(bench.events, ['paused breaker']);
    assert.deepEqual(bench.quarantined, []);
    checkBooks(bench);
  });
}

test('the rest goes on beside a file that is at fault', async () => {
  const bench = new DrainBench();
  for (const name of ['a', 'bad', 'b', 'c']) bench.put(name);
  bench.store.answers.set('bad', fails(faultOf('file')));
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['a', 'b', 'c']);
  checkBooks(bench);
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
  checkBooks(bench);
});

test('gives the store the journal of small files, too: a larger one of the name may have left an upload open', async () => {
  const bench = new DrainBench({ resumableFromBytes: 10 });
  bench.put('small', 'x');
  bench.put('large', 'x'.repeat(100));
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads.toSorted(), ['large', 'small']);
  assert.deepEqual(bench.store.unjournaled, []);
  checkBooks(bench);
});

test('a name that can be no key is quarantined, and nothing is opened or sent', async () => {
  const bench = new DrainBench();
  bench.put('x'.repeat(1_025));
  await bench.startClosed();
  assert.deepEqual(bench.events, [`quarantined ${'x'.repeat(1_025)}`]);
  assert.deepEqual(bench.store.uploads, []);
  checkBooks(bench);
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
    checkBooks(bench);
  });
}

test('an outage with an answer that nobody thought of pauses the drain, with one alarm, and quarantines no file', async () => {
  // Such faults did not pause the drain: each file was tried again and again, and then quarantined.
  const bench = new DrainBench();
  await bench.startClosed();
  const names = Array.from({ length: 20 }, (_, at) => `f${at}`);
  for (const name of names) bench.store.answers.set(name, fails(faultOf('unknown', { code: 'Http404' })));
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'Http404' }));
  await bench.comeBack(names, 300);
  assert.deepEqual(bench.quarantined, []);
  assert.deepEqual(
    bench.events.filter((event) => !event.startsWith('deferred')),
    ['paused unknown'],
  );
  assert.ok(bench.store.uploads.length < 100, `${bench.store.uploads.length} uploads`);
});

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

const UNPROVEN: readonly (readonly [string, (content: Buffer) => Partial<Upload['receipt']>])[] = [
  ['an opaque ETag', () => ({ etag: 'opaque' })],
  ['no digest at all', () => ({})],
  ['a wrong size', ({ length }) => ({ sizeBytes: length + 1 })],
];
for (const [what, receipt] of UNPROVEN) {
  test(`keeps the file when the store answers with ${what} and confirms nothing better`, async () => {
    const bench = new DrainBench();
    bench.put('a');
    bench.store.answers.set('a', ({ key }, content) => ({
      local: localContent(content),
      receipt: { key, ...receipt(content) },
      outcome: 'stored',
    }));
    await bench.startClosed();
    assert.deepEqual(bench.removed, []);
    assert.deepEqual(bench.events, ['deferred a unknown 500']);
    checkBooks(bench);
  });
}

test('removes the file when the answer proves nothing and a second look does', async () => {
  const bench = new DrainBench();
  bench.put('a', 'the bytes');
  bench.store.answers.set('a', ({ key }, content) => ({
    local: localContent(content),
    receipt: { key, etag: 'opaque' },
    outcome: 'stored',
  }));
  bench.store.confirmation = { readBack: localContent(Buffer.from('the bytes')).parts };
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['a']);
});

for (const [when, key] of [
  ['since it was found', 'found a'],
  ['while it was uploaded', 'a'],
] as const) {
  for (const part of [{ ino: 2n }, { mtimeNs: 2n }, { sizeBytes: 99 }, { dev: 2n }]) {
    test(`keeps a file whose ${Object.keys(part)[0]} changed ${when}`, async () => {
      const bench = new DrainBench();
      bench.put('a');
      bench.identitiesAfter.set(key, part);
      await bench.startClosed();
      assert.deepEqual(bench.removed, []);
      assert.deepEqual(bench.events, ['deferred a changed 500']);
      assert.equal(bench.store.uploads.length, key === 'a' ? 1 : 0);
      assert.deepEqual(bench.closedFiles, ['a']);
      assert.equal(bench.held, 0);
    });
  }
}

for (const [when, key] of [
  ['since it was found', 'found a'],
  ['while it was uploaded', 'a'],
] as const) {
  test(`a change of ctime alone ${when} is no change of the file`, async () => {
    const bench = new DrainBench();
    bench.put('a');
    bench.identitiesAfter.set(key, { ctimeNs: 2n });
    await bench.startClosed();
    assert.deepEqual([bench.store.uploads, bench.removed], [['a'], ['a']]);
  });
}

test('keeps a file of the same size and mtime whose bytes are others than those sent', async () => {
  const bench = new DrainBench();
  bench.put('a', 'sent');
  bench.identitiesAfter.set('a', { ctimeNs: 2n });
  bench.rewritten.set('a', Buffer.from('SENT'));
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], []]);
});

test('a file whose permissions change again and again waits, and gets no strike for it', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 2 } });
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('changed', { code: TOUCHED }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  for (let again = 0; again < 5; again += 1) {
    bench.putBack('a');
    bench.drain.pump();
    await bench.settle();
  }
  assert.deepEqual([bench.quarantined, bench.store.uploads], [[], ['a']]);
  checkBooks(bench);
});

test('an upload whose file could not be removed is not sent again after a chmod', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  bench.spoolFaults.clear();
  bench.identitiesAfter.set('found a', { ctimeNs: 2n });
  bench.putBack('a');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], ['a']]);
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

test('a file that is open for writing is not sent, and looked at again until it is closed', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  for (let look = 0; look < 10; look += 1) {
    bench.put('a');
    await bench.clock.advance(1_000);
  }
  const waits = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
  assert.deepEqual(bench.outcomesOf('a'), waits);
  assert.deepEqual(bench.store.uploads, []);
  assert.deepEqual(bench.events, ['stillWritten a'], 'told once; no failure of anything');
  bench.writers.clear();
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  assert.deepEqual(bench.quarantined, []);
  assert.equal(bench.held, 0);
});

test('a file that is open for writing and changed is looked at again soon', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  for (const content of ['1', '1', '1', '1 and more']) {
    bench.put('a', content);
    await bench.clock.advance(1_000);
  }
  assert.deepEqual(bench.outcomesOf('a'), [250, 500, 1_000, 250]);
});

test('a file that changed while it waited for its writer is found anew, and not blamed for it', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  bench.put('a');
  await bench.clock.advance(1_000);
  bench.identitiesAfter.set('found a', { mtimeNs: 2n });
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual([bench.outcomesOf('a'), bench.changed], [[250, 'again'], []]);
  bench.identitiesAfter.clear();
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('a'), [250, 'again', 500], 'the looks at an open file go on');
});

test('a file whose writer goes on after it was read, and closes it before the answer, is not sent', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.onAsked = (path) => void bench.identitiesAfter.set(`read ${path}`, { sizeBytes: 99 });
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.deepEqual(bench.changed, ['a']);
});

test('a file in parts that is open for writing is not begun', async () => {
  const bench = new DrainBench({ resumableFromBytes: 2 });
  await bench.startClosed();
  bench.writers.set('a', 'some');
  bench.put('a', 'content');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.equal(bench.reads, 0);
});

test('a file that somebody opened for writing while it was sent is found open, not deferred', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.spoolFaults.set('remove a', faultOf('changed', { code: 'still-written' }));
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('a'), [250]);
  assert.deepEqual(bench.events, ['stillWritten a']);
});

test('a file that goes on changing is never a human’s business, but waited for longer', async () => {
  const bench = new DrainBench({ retry: { initialMs: 1_000, maxMs: 8_000, maxAttempts: 2 } });
  await bench.startClosed();
  bench.modifiedMs = bench.clock.wallMs();
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
    checkBooks(bench);
  });
}

test('runs as many uploads as the limit allows, and starts the next when one ends', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  for (const name of ['a', 'b', 'c', 'd']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  bench.limit = 2;
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads, ['a', 'b']);
  assert.equal(bench.drain.sending, 2);
  bench.limit = 3;
  bench.drain.pump();
  assert.equal(bench.drain.sending, 3);
  await bench.settle();
  assert.equal(bench.drain.ready, 1);
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c', 'd']);
  slow.finish();
  await bench.settle();
  assert.equal(bench.drain.ready, 0);
  assert.deepEqual(bench.removed, ['a', 'b', 'c', 'd']);
  checkBooks(bench);
});

test('starts no upload once the memory for file content is used up', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 200, memoryFor: () => 50 });
  const slow = new Slow();
  for (const name of ['a', 'b', 'c']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads, ['a', 'b']);
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c'], 'what ended gave its memory back');
});

test('with too few descriptors has fewer transfers at once, and pauses for nobody', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.limit = 20;
  for (let file = 0; file < 20; file += 1) {
    const name = `f${file}`;
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
    if (file >= 10) bench.spoolFaults.set(`open ${name}`, faultOf('transient', { code: 'EMFILE' }));
  }
  await bench.startClosed();
  assert.equal(bench.drain.active, 10);
  assert.deepEqual([bench.store.trials, bench.outcomesOf('f19')], [[], [1_000]]);
  bench.spoolFaults.clear();
  for (let file = 10; file < 20; file += 1) bench.putBack(`f${file}`);
  for (let file = 20; file < 40; file += 1) {
    bench.put(`f${file}`);
    bench.store.answers.set(`f${file}`, slow.answer);
  }
  bench.drain.pump();
  assert.equal(bench.drain.active, 10, 'half of what was tried');
  assert.ok(bench.events.every((event) => !event.startsWith('paused')));
  await bench.clock.advance(60_000);
  slow.finish();
  await bench.settle();
  assert.equal(bench.drain.active, 20, 'and as many again after a while');
});

test('small files pass beside the oldest ones, which are huge and take days', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 4_000 });
  bench.limit = 1;
  for (const name of ['huge', 'as huge']) {
    bench.put(name, Buffer.alloc(2_000));
    bench.store.answers.set(name, new Slow().answer);
  }
  for (let file = 0; file < 10; file += 1) bench.put(`small${file}`);
  await bench.startClosed();
  assert.equal(bench.removed.length, 10, 'whatever the limit of uploads at once');
  assert.deepEqual(bench.openedFiles.slice(0, 1), ['huge'], 'which began with the oldest all the same');
  assert.ok(!bench.store.uploads.includes('as huge'), 'only one of them fits into its half of the memory');
});

test('a file too large for any upload is quarantined with its reason, before it is opened', async () => {
  const bench = new DrainBench({ largestBytes: 5_000, maxMemoryBytes: 5_000 });
  bench.put('large', Buffer.alloc(4_000));
  bench.store.answers.set('large', new Slow().answer);
  bench.put('too large', Buffer.alloc(5_001));
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.openedFiles, ['large', 'a'], 'and though a large one has all the memory');
  assert.deepEqual(
    bench.quarantined.map(({ path }) => path),
    ['too large'],
  );
  assert.match(JSON.stringify(bench.quarantined[0]?.reason), /upload\.maxMemory/);
});

test('an upload whose file could not be removed is not sent again, only asked for', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  for (let again = 0; again < 3; again += 1) {
    bench.putBack('a');
    bench.drain.pump();
    await bench.settle();
  }
  assert.deepEqual(bench.store.uploads, ['a']);
  assert.deepEqual(bench.events, [`deferred a blocked ${TEN_MINUTES}`], 'and told of once');
  bench.spoolFaults.clear();
  bench.putBack('a');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a']);
  assert.deepEqual(bench.removed, ['a']);
  checkBooks(bench);
});

test('an upload whose file could not be removed is sent again when the store has lost it', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  for (let again = 0; again < 2; again += 1) {
    bench.putBack('a');
    bench.drain.pump();
    await bench.settle();
    assert.equal(bench.removed.length, again, 'removed only after the second upload');
  }
  assert.deepEqual(bench.store.uploads, ['a', 'a']);
});

test('an upload whose file could not be removed is sent again when the file changed', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  bench.contents.set('a', Buffer.from('other content'));
  bench.putBack('a');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a', 'a']);
  assert.deepEqual(bench.removed, ['a']);
});

test('gives memory back after failures, too', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 1, memoryFor: () => 1 });
  for (let file = 0; file < 5; file += 1) {
    bench.put(`bad${file}`);
    bench.store.answers.set(`bad${file}`, fails(faultOf('file')));
  }
  await bench.startClosed();
  assert.equal(bench.quarantined.length, 5);
});

test('a start waits for the store to answer, and not for the first upload to pass', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  for (const name of ['a', 'b', 'c']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  bench.drain.start();
  assert.deepEqual(bench.store.uploads, []);
  await bench.settle();
  assert.equal(bench.store.probes, 1);
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c']);
  slow.finish();
  await bench.settle();
  assert.ok(!bench.events.includes('resumed'), 'a start is no pause that ends');
});

test('after a pause an object of our own passes before any file is sent', async () => {
  const bench = new DrainBench();
  bench.breaker.fail('the store was away', 0);
  let pass: () => void = () => assert.fail('not asked');
  bench.store.onTrial = () =>
    new Promise((resolve) => {
      pass = resolve;
    });
  for (const name of ['large', 'a', 'b']) bench.put(name, Buffer.alloc(name === 'large' ? 2_000 : 10));
  bench.drain.start();
  await bench.clock.advance(20_000);
  assert.deepEqual(bench.store.uploads, []);
  pass();
  await bench.settle();
  assert.deepEqual(bench.store.uploads.toSorted(), ['a', 'b', 'large']);
  assert.deepEqual(bench.store.trials, ['']);
});

test('a pause ends by one file that passes where the store refuses our own objects alone, and by no other', async () => {
  // A policy may allow *.jpg only.
  const bench = new DrainBench();
  bench.breaker.fail('the store refuses', 0);
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  bench.store.answers.set('bad', fails(faultOf('unknown', { code: 'AccessDenied' })));
  const slow = new Slow();
  bench.store.answers.set('large', slow.answer);
  for (const name of ['bad', 'good', 'other', 'large'])
    bench.put(name, Buffer.alloc(name === 'large' ? 2_000 : 10));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, [], 'not before its time');
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.store.uploads, ['bad']);
  await bench.clock.advance(10_000);
  assert.ok(bench.events.includes('resumed'));
  assert.deepEqual(bench.removed.toSorted(), ['good', 'other']);
  assert.equal(bench.events.filter((event) => event.startsWith('paused')).length, 0, 'and no other begins');
});

test('a pause ends though a large upload has been under way since before it', async () => {
  const bench = new DrainBench();
  bench.put('large', Buffer.alloc(2_000));
  bench.put('refused');
  bench.store.answers.set('large', new Slow().answer);
  bench.store.answers.set('refused', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  await bench.startClosed();
  bench.put('small');
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed', 'removed small', 'uploaded small']);
});

test('an answering store is enough where there is nothing to upload', async () => {
  const bench = new DrainBench();
  bench.drain.start();
  await bench.settle();
  assert.equal(bench.breaker.allows(0), 'all');
  bench.put('a');
  bench.put('b');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(bench.removed, ['a', 'b']);
});

test('takes no file while the store does not answer, alarms once, and goes on by itself', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = () => Promise.reject(faultOf('transient', { code: 'ECONNREFUSED' }));
  bench.store.onTrial = () => Promise.reject(faultOf('transient', { code: 'ECONNREFUSED' }));
  bench.drain.start();
  await bench.drain.firstAnswer;
  await bench.clock.advance(30_000);
  assert.deepEqual(bench.events, ['paused transient']);
  assert.deepEqual(bench.store.uploads, []);
  const asked = bench.store.trials.length;
  assert.ok(asked >= 3 && asked <= 6, `asked ${asked} times in 30 s`);
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(10_000);
  assert.deepEqual(bench.events, ['paused transient', 'resumed', 'removed a', 'uploaded a']);
  checkBooks(bench);
});

test('a store that never answers is given up after half a minute, and asked again', async () => {
  const bench = new DrainBench();
  bench.store.onProbe = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  bench.store.onTrial = (_, signal) => bench.store.onProbe(signal);
  bench.drain.start();
  await bench.clock.advance(29_000);
  assert.deepEqual(bench.events, []);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.events, ['paused transient']);
  assert.equal(bench.store.trials.length, 1);
});

test('a trial that fails with a fault of the file alone goes on to the next file', async () => {
  const bench = new DrainBench();
  bench.put('bad');
  bench.put('a');
  bench.store.answers.set('bad', fails(faultOf('file')));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(
    bench.quarantined.map(({ path }) => path),
    ['bad'],
  );
  assert.deepEqual(bench.removed, ['a']);
});

for (const { code, leastSent, mostSent } of [
  { code: 'ECONNRESET', leastSent: 8, mostSent: 12 },
  { code: 'SlowDown', leastSent: 64, mostSent: 68 },
]) {
  test(`${leastSent} files in a row that fail with ${code} pause the drain, with one alarm`, async () => {
    const bench = new DrainBench();
    await bench.startClosed();
    for (let file = 0; file < 200; file += 1) {
      bench.put(`${code}${file}`);
      bench.store.answers.set(`${code}${file}`, fails(faultOf('transient', { code })));
    }
    bench.store.onTrial = () => Promise.reject(faultOf('transient', { code }));
    bench.drain.pump();
    await bench.settle();
    const sent = bench.store.uploads.length;
    assert.ok(sent >= leastSent && sent <= mostSent, `${sent} uploads before the drain paused`);
    assert.deepEqual(
      bench.store.uploads.filter((name) => typeof bench.outcomesOf(name)[0] !== 'number'),
      [],
      'what was tried waits for its time',
    );
    assert.equal(bench.events.filter((event) => event === 'paused transient').length, 1);
    checkBooks(bench);
  });
}

for (const code of [
  ...['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ServiceUnavailable', 'Throttling', 'ThrottlingException'],
  ...[
    'RequestLimitExceeded',
    'BandwidthLimitExceeded',
    'TooManyRequests',
    'TooManyRequestsException',
    'Http429',
  ],
]) {
  test(`${code} from eight files asks for fewer uploads at once, and pauses nothing`, async () => {
    // Most of these names counted as a store that is away.
    const bench = new DrainBench({ concurrency: 'auto' });
    await bench.startClosed();
    const before = bench.drain.uploadLimit.current;
    for (let file = 0; file < 8; file += 1) {
      bench.put(`f${file}`);
      bench.store.answers.set(`f${file}`, fails(faultOf('transient', { code })));
    }
    bench.drain.pump();
    await bench.settle();
    assert.equal(bench.events.filter((event) => event === 'slowDown').length, 8);
    assert.equal(bench.drain.uploadLimit.current, before / 2);
    assert.ok(!bench.events.includes('paused transient'));
  });
}

test('a trial answered with SlowDown waits before the next, as long as the store asks', async () => {
  const bench = new DrainBench();
  bench.breaker.fail('the store was away', 0);
  bench.store.onTrial = () =>
    Promise.reject(faultOf('transient', { code: 'SlowDown', retryAfterMs: 20_000 }));
  bench.put('a');
  bench.drain.start();
  await bench.clock.advance(20_000);
  assert.deepEqual(bench.store.trials, ['']);
  assert.deepEqual(bench.store.uploads, []);
  await bench.clock.advance(3_000);
  assert.deepEqual(bench.store.trials, ['', '']);
});

test('many files with one fault of the store make one alarm and wait untouched', async () => {
  const bench = new DrainBench();
  const names = Array.from({ length: 4 }, (_, at) => `f${at}`);
  for (const name of names) {
    bench.put(name);
    bench.store.answers.set(name, fails(faultOf('unknown', { code: 'AccessDenied' })));
  }
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused unknown']);
  for (const name of names) assert.deepEqual(bench.outcomesOf(name), ['again']);
  assert.deepEqual(bench.store.trials, [''], 'they wait for one answer');
});

for (const faultClass of ['breaker', 'transient', 'unknown'] as const) {
  test(`a file with a ${faultClass} fault that the store answers whenever it is tried keeps nobody waiting`, async () => {
    // After every pause the best file was the trial, and failed again: the others waited for ever, or for long.
    const bench = new DrainBench();
    bench.store.answers.set('bad', fails(faultOf(faultClass)));
    for (const name of ['bad', 'a', 'b']) bench.put(name);
    await bench.startClosed();
    assert.deepEqual(bench.removed, ['a', 'b']);
    await bench.comeBack(['bad'], 60);
    assert.ok(!bench.events.some((event) => event.startsWith('paused')));
  });
}

test('a file refused at its last part waits longer every time, and pauses nothing', async () => {
  // Released at once, it ended each pause and began the next.
  const bench = new DrainBench({ resumableFromBytes: 1 });
  await bench.startClosed();
  bench.store.answers.set('large', async () => {
    await bench.clock.sleep(100);
    throw faultOf('breaker', { code: 'EntityTooLarge' });
  });
  await bench.comeBack(['large'], 60);
  assert.deepEqual(bench.outcomesOf('large').slice(0, 4), [500, 1_000, 2_000, 4_000]);
  assert.deepEqual(bench.quarantined, []);
});

test('a refused file that is the only one makes one alarm where the store refuses everything, however long', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.store.answers.set('refused', fails(faultOf('unknown', { code: 'AccessDenied' })));
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  await bench.comeBack(['refused'], 600);
  const alarms = bench.events.filter((event) => !event.startsWith('deferred'));
  assert.deepEqual(alarms, ['paused unknown']);
  assert.ok(bench.store.trials.length >= 20, `asked ${bench.store.trials.length} times in ten minutes`);
  bench.store.onTrial = async () => undefined;
  bench.reconfigure({});
  await bench.settle();
  assert.ok(bench.events.includes('resumed'), 'new settings do not wait for it');
});

test('stop lets small uploads finish and takes no more work', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('small');
  bench.store.answers.set('small', slow.answer);
  await bench.startClosed();
  const stopped = bench.drain.stop(5_000);
  bench.put('later');
  bench.drain.pump();
  await bench.clock.advance(1_000);
  slow.finish();
  await stopped;
  assert.deepEqual(bench.removed, ['small']);
  assert.deepEqual(bench.store.uploads, ['small']);
  assert.equal(bench.clock.pending, 0, 'no timer is left behind');
  checkBooks(bench);
});

test('stop aborts at once what can resume, and the rest when the time is up', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('small');
  bench.put('large', Buffer.alloc(1_000));
  for (const name of ['small', 'large']) bench.store.answers.set(name, slow.answer);
  await bench.startClosed();
  const stopped = bench.drain.stop(5_000);
  await bench.settle();
  assert.deepEqual(bench.releases, [{ path: 'large', outcome: 'returned' }]);
  await bench.clock.advance(4_999);
  assert.equal(bench.held, 1);
  await bench.clock.advance(1);
  await stopped;
  assert.deepEqual(bench.outcomesOf('small'), ['returned']);
  assert.deepEqual(bench.removed, []);
  assert.deepEqual(bench.events, [], 'a stop is no failure of a file');
  checkBooks(bench);
});

test('what cannot be brought back yet is tried every second, told, and counts as progress', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.unsaved = faultOf('breaker', { code: 'ENOSPC' });
  await bench.startClosed();
  const reads = bench.reads;
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.events, ['unsaved a ENOSPC', 'unsaved a ENOSPC', 'unsaved a ENOSPC']);
  assert.equal(bench.reads, reads + 2);
  bench.unsaved = undefined;
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  checkBooks(bench);
});

test('stop waits for it, of large files, too, until the time is up', async () => {
  const bench = new DrainBench();
  bench.put('large', Buffer.alloc(1_000));
  bench.unsaved = faultOf('breaker', { code: 'ENOSPC' });
  await bench.startClosed();
  const stopped = bench.drain.stop(5_000);
  await bench.clock.advance(4_999);
  assert.equal(bench.held, 1);
  await bench.clock.advance(1);
  await stopped;
  assert.deepEqual(bench.outcomesOf('large'), ['returned']);
  checkBooks(bench);
});

test('stop does not wait for a probe under way, and nothing starts after it', async () => {
  const bench = new DrainBench();
  bench.put('a');
  let answer: () => void = () => assert.fail('not probed');
  bench.store.onProbe = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  bench.drain.start();
  await bench.settle();
  await bench.drain.stop(5_000);
  answer();
  await bench.clock.advance(120_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.equal(bench.clock.pending, 0, 'no timer is left behind');
});

test('a new store gets new uploads; those in flight end with the old one', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('old');
  bench.store.answers.set('old', slow.answer);
  await bench.startClosed();
  const other = new FakeStore(bench.contents);
  bench.reconfigure({ prefix: '' }, other);
  bench.put('new');
  bench.drain.pump();
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['old']);
  assert.deepEqual(other.uploads, ['new']);
  assert.deepEqual(bench.removed.sort(), ['new', 'old']);
});

test('new settings end the wait of a pause at once', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = () => Promise.reject(faultOf('breaker'));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker']);
  const corrected = new FakeStore(bench.contents);
  bench.reconfigure({}, corrected);
  await bench.settle();
  assert.deepEqual(corrected.uploads, ['a']);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed', 'removed a', 'uploaded a']);
});

test('new settings do not wait for a probe of the old store, nor heed what it says', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  bench.drain.start();
  await bench.settle();
  const corrected = new FakeStore(bench.contents);
  bench.reconfigure({}, corrected);
  await bench.settle();
  assert.equal(corrected.probes, 1);
  assert.deepEqual(bench.events, ['removed a', 'uploaded a']);
});

test('when the network has changed, a pause ends at once if the store answers, and not only after its wait', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused breaker']);
  bench.store.onTrial = async () => undefined;
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker'], 'it is not its time');
  bench.drain.retryNow();
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker', 'resumed']);
});

test('a drain that is started again goes on as before, and a stop leaves no timer behind', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  const { pending } = bench.clock;
  bench.drain.start();
  await bench.settle();
  assert.equal(bench.clock.pending, pending);
  await bench.drain.stop(5_000);
  assert.equal(bench.clock.pending, 0);
});

test('a drain that was never started can be stopped', async () => {
  await new DrainBench().drain.stop(5_000);
});

test('a pause goes on being tried when no file is at hand, and ends when the store takes objects of our own', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  bench.put('a');
  await bench.startClosed();
  await bench.clock.advance(60_000);
  assert.ok(bench.store.trials.length > 2, `${bench.store.trials.length} trials`);
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed']);
});

for (const { what, files } of [
  { what: 'a file that is sent whole, before one in parts that is older', files: ['large', 'small'] },
  { what: 'one in parts, where no other is at hand', files: ['large'] },
]) {
  test(`a pause in which the store refuses our objects is ended by ${what}`, async () => {
    const bench = new DrainBench();
    bench.store.answers.set('a', fails(faultOf('breaker')));
    bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
    bench.put('a');
    await bench.startClosed();
    for (const name of files) bench.put(name, Buffer.alloc(name === 'large' ? 1_000 : 999));
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.store.uploads.slice(0, 2), ['a', files.at(-1)]);
    assert.equal(bench.removed.length, files.length);
  });
}

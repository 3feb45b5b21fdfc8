// What is read ahead of its turn keeps the link busy while the disk stands still, and goes back when nothing may be sent.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, FakeStore, fails, faultOf, Slow } from '../support/drain-bench.ts';

/** One upload at once, and a link that sends three files in half a second. */
async function readingAhead(): Promise<{ bench: DrainBench; slow: Slow }> {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.limit = 1;
  bench.rateBytesPerSec = 60;
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    bench.put(name, '0123456789');
    bench.store.answers.set(name, slow.answer);
  }
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads, ['a']);
  assert.deepEqual(bench.openedFiles, ['a', 'b', 'c', 'd'], 'three times 10 bytes are half a second ahead');
  assert.equal(bench.drain.ready, 3);
  return { bench, slow };
}

test('what was read ahead is sent, in its order, while the disk stands still', async () => {
  const { bench, slow } = await readingAhead();
  bench.diskStandsStill = true;
  for (const sent of ['b', 'c', 'd']) {
    slow.finish();
    await bench.settle();
    assert.equal(bench.store.uploads.at(-1), sent);
  }
  assert.deepEqual(bench.removed, [], 'three uploads wait for the disk to remove their files');
});

test('the next file is sent as soon as it is read, though hundreds wait to be removed', async () => {
  const bench = new DrainBench();
  bench.limit = 1;
  bench.rateBytesPerSec = 1;
  for (let file = 0; file < 300; file += 1) bench.put(`${file}`);
  bench.removalsStandStill = true;
  await bench.startClosed();
  assert.equal(bench.store.uploads.length, 257, 'until 256 wait, and the one read ahead by then');
});

for (const { when, happen } of [
  {
    when: 'the store cannot be used',
    happen: async (bench: DrainBench, slow: Slow) => {
      bench.store.answers.set('b', fails(faultOf('breaker')));
      bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
      slow.finish();
      await bench.settle();
      assert.deepEqual(bench.store.uploads, ['a', 'b']);
    },
  },
  {
    when: 'halfpipe stops',
    happen: async (bench: DrainBench, slow: Slow) => {
      const stopped = bench.drain.stop(5_000);
      slow.finish();
      await bench.settle();
      await stopped;
      assert.deepEqual(bench.store.uploads, ['a'], 'what was sending ended');
    },
  },
  {
    when: 'there are new settings, whose store it then goes to',
    happen: async (bench: DrainBench, slow: Slow) => {
      const other = new FakeStore(bench.contents);
      bench.reconfigure({}, other);
      slow.finish();
      await bench.settle();
      assert.deepEqual(bench.store.uploads, ['a']);
      assert.deepEqual(other.uploads, ['e'], 'the backlog hands out the others again');
    },
  },
]) {
  test(`what was read ahead goes back when ${when}`, async () => {
    const { bench, slow } = await readingAhead();
    await happen(bench, slow);
    assert.deepEqual(bench.outcomesOf('c'), ['returned']);
    assert.deepEqual(bench.outcomesOf('d'), ['returned']);
    assert.equal(bench.held, 0);
    assert.deepEqual(bench.closedFiles.toSorted(), bench.openedFiles.toSorted());
  });
}

for (const { what, prefix, goesBack } of [
  { what: 'goes back when it is to be sent below another prefix', prefix: 'other/', goesBack: true },
  { what: 'stays when new settings send it to where it was to go', prefix: '', goesBack: false },
]) {
  test(`what was read ahead ${what}`, async () => {
    const { bench, slow } = await readingAhead();
    bench.reconfigure({ prefix });
    await bench.settle();
    assert.deepEqual(bench.outcomesOf('c'), goesBack ? ['returned'] : []);
    slow.finish();
    await bench.settle();
    assert.equal(bench.store.uploads[1], goesBack ? 'other/e' : 'b');
  });
}

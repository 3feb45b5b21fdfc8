// Digests large contents in the digesting thread.
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test as plainTest } from 'node:test';
import { digestOf, HASHED_AT_ONCE_BYTES } from '../../src/store/digest.ts';
import { DigestWorker } from '../../src/store/digest-worker.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';

const IDLE_MS = 5_000;

/** Random bytes in shared memory, as ContentMemory lends it. */
function shared(byteLength: number): Buffer {
  return randomFillSync(Buffer.from(new SharedArrayBuffer(byteLength + 10), 5, byteLength));
}

const threads = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;

/** What the thread runs instead. */
function script(text: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

// The first thread: tsx begins something in it that it keeps.
plainTest('large contents are digested in a thread, which ends when there are none', async () => {
  const clock = new SimClock();
  const worker = new DigestWorker(clock);
  const before = threads();
  const contents = Array.from({ length: 20 }, (_, at) => shared(HASHED_AT_ONCE_BYTES + 1 + 40_000 * at));
  for (const round of ['first', 'next']) {
    const digests = contents.map((content) => worker.digestOf(content));
    assert.ok(threads() > before, `the ${round} ones begin a thread`);
    assert.deepEqual(await Promise.all(digests), await Promise.all(contents.map(digestOf)));
    await clock.advance(IDLE_MS);
    while (threads() > before) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('contents that are small, or not in shared memory, need no thread', async () => {
  const worker = new DigestWorker(new SimClock(), script('process.exit()'));
  const before = threads();
  for (const content of [shared(HASHED_AT_ONCE_BYTES), Buffer.alloc(2 * HASHED_AT_ONCE_BYTES)]) {
    assert.deepEqual(await worker.digestOf(content), await digestOf(content));
    assert.equal(threads(), before);
  }
});

// tsx keeps a timer after an error in a thread.
for (const [how, text] of [
  ['does not start', 'throw new Error("no")'],
  [
    'ends in the middle',
    'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit())',
  ],
] as const)
  plainTest(
    `what a thread that ${how} was asked for is digested here, and nothing is asked again`,
    async () => {
      const worker = new DigestWorker(new SimClock(), script(text));
      const before = threads();
      const contents = [shared(200_000), shared(300_000)];
      const expected = await Promise.all(contents.map(digestOf));
      assert.deepEqual(await Promise.all(contents.map(worker.digestOf)), expected);
      assert.equal(threads(), before);
      const later = contents.map(worker.digestOf);
      assert.equal(threads(), before, 'no other thread is begun');
      assert.deepEqual(await Promise.all(later), expected);
    },
  );

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BusyShare } from '../../src/system/busy-share.ts';

test('the busier of two loops counts, and only since the last call', () => {
  const seen = { idle: 0, active: 0, utilization: 0 };
  const other = { performance: { eventLoopUtilization: () => ({ ...seen }) } };
  const busy = new BusyShare(other);
  seen.idle += 1;
  seen.active += 3;
  assert.ok(busy.take() >= 0.75);
  seen.idle += 1_000;
  assert.ok(busy.take() <= 1);
});

test('a thread that never rests is busy', async () => {
  const worker = new Worker(
    'const { parentPort: p } = require("node:worker_threads"); p.postMessage(0); for (;;);',
    {
      eval: true,
    },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  const busy = new BusyShare(worker);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const share = busy.take();
  await worker.terminate();
  assert.ok(share > 0.9, `${share}`);
});

// The thread that takes files over HTTP, as the kernel sees it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { IngestWorker } from '../../src/ingest/ingest-worker.ts';
import { systemClock } from '../../src/system/clock.ts';

/** By the name of the thread; see proc_pid_stat(5). */
function nicenessOf(thread: string): number | undefined {
  for (const id of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    const [, name, rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    if (name === thread) return Number(rest.split(' ')[16]);
  }
  return undefined;
}

test('the ingest thread leaves the processor to the threads that drain and pace', async () => {
  const worker = new IngestWorker({
    clock: systemClock,
    onEvent: () => undefined,
    onBroken: (error) => assert.fail(`${error}`),
  });
  try {
    const lower = Math.min(19, getPriority() + 10);
    for (let tries = 0; tries < 500 && nicenessOf('halfpipe ingest') !== lower; tries += 1)
      await systemClock.sleep(20);
    assert.equal(nicenessOf('halfpipe ingest'), lower);
    assert.equal(nicenessOf('MainThread') ?? getPriority(), getPriority());
  } finally {
    await worker.close();
  }
});

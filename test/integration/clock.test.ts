// A process that waits for nothing but its own timers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

/** The exit code of a process that waits for a timer of the clock, and then ends with 0. */
async function waiting(before: string): Promise<unknown> {
  const script = `
    import { keepAlive, systemClock } from './src/system/clock.ts';
    ${before}
    await new Promise((resolve) => systemClock.schedule(20, resolve));
    process.exit(0);
  `;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  return code;
}

// Regression: on a busy machine `check` ended with 13 where its request waited for its turn on the link.
test('a command that waits for its turn on the link goes on to its end', async () => {
  assert.deepEqual([await waiting(''), await waiting('keepAlive();')], [13, 0]);
});

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

/** A process that logs `count` lines at once, then flushes and says on stderr how that went. */
function logging(count: number, stdout: 'pipe' | number = 'pipe'): ChildProcess {
  const script = `
    import { createLogger } from './src/log/log.ts';
    const log = createLogger({ level: 'info', format: 'auto', env: process.env });
    const padding = 'x'.repeat(1000);
    process.once('message', async () => {
      for (let i = 0; i < ${count}; i += 1) log.info({ event: 'line', i, padding }, 'line');
      await new Promise((resolve) => setTimeout(resolve, 50));
      log.info({ event: 'last' }, 'last');
      await log.flush();
      console.error('survived with', process.stdout.writableLength, 'bytes pending');
      process.exit(0);
    });
    process.send('ready');
  `;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', stdout, 'pipe', 'ipc'],
  });
}

async function outcome(child: ChildProcess): Promise<{ code: unknown; stderr: string }> {
  assert.ok(child.stderr);
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code, stderr };
}

test('every line arrives where the reader keeps up', async () => {
  const child = logging(500);
  assert.ok(child.stdout);
  const lines = text(child.stdout);
  await once(child, 'message');
  child.send('go');
  assert.equal((await outcome(child)).code, 0);
  const events = (await lines)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  assert.deepEqual(events, [...Array(500).fill('line'), 'last']);
});

test('a closed stdout neither ends nor busies the process', async () => {
  const child = logging(500);
  await once(child, 'message');
  child.stdout?.destroy();
  child.send('go');
  const { code, stderr } = await outcome(child);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^survived/);
});

test('a full disk under stdout does not end the process', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const child = logging(3, full);
  await once(child, 'message');
  child.send('go');
  const { code, stderr } = await outcome(child);
  assert.equal(code, 0, stderr);
});

test('a reader that stands still bounds what is kept for it', async () => {
  // 20,000 lines of 1 KB.
  const child = logging(20_000);
  await once(child, 'message');
  child.send('go');
  const { code, stderr } = await outcome(child);
  assert.equal(code, 0, stderr);
  const pending = Number(/survived with (\d+)/.exec(stderr)?.[1]);
  assert.ok(pending > 0 && pending < 2 ** 21, stderr);
});

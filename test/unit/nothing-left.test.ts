// The check that a test leaves nothing open sees each kind of thing that may be left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/system/clock.ts';
import { held, more } from '../support/nothing-left.ts';

/** Something is opened, and closed by what is returned. */
type Open = () => Promise<() => void> | (() => void);

const KINDS: readonly (readonly [string, RegExp, Open])[] = [
  [
    'a descriptor',
    /^descriptor \d+ of \/dev\/null$/,
    () => {
      const descriptor = openSync('/dev/null', 'r');
      return () => closeSync(descriptor);
    },
  ],
  [
    'a listener on a signal of the process',
    /^listener on SIGUSR2$/,
    () => {
      const listener = () => undefined;
      process.on('SIGUSR2', listener);
      return () => process.off('SIGUSR2', listener);
    },
  ],
  [
    'a callback of the clock',
    /^callback after 60000 ms$/,
    () => systemClock.schedule(60_000, () => undefined),
  ],
  [
    'a listener on an abort signal',
    /^listener on an abort signal$/,
    () => {
      const { signal } = new AbortController();
      const listener = () => undefined;
      signal.addEventListener('abort', listener);
      return () => signal.removeEventListener('abort', listener);
    },
  ],
  [
    'a timer',
    /^Timeout$/,
    () => {
      const timer = setTimeout(() => undefined, 60_000);
      return () => clearTimeout(timer);
    },
  ],
  [
    'a server',
    /^TCPServerWrap$/,
    async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return () => server.close();
    },
  ],
  [
    'a process',
    /^ProcessWrap$/,
    () => {
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      return () => child.kill();
    },
  ],
];

for (const [what, name, open] of KINDS)
  test(`sees ${what} that is left open`, async () => {
    const before = held();
    const close = await open();
    const left = more(held(), before);
    close();
    assert.ok(
      left.some((it) => name.test(it)),
      `it sees only ${JSON.stringify(left)}`,
    );
  });

test('sees one more of a kind of which there was one before', () => {
  assert.deepEqual(more(['Timeout', 'Timeout'], ['Timeout']), ['Timeout']);
  assert.deepEqual(more(['Timeout'], ['Timeout', 'Timeout']), []);
});

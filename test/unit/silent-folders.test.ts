// A folder that does not answer: how long it is waited for, and when it is looked at again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentFolders } from '../../src/backlog/silent-folders.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { SimClock } from '../support/sim-clock.ts';

const SECONDS = 1_000;

function folders() {
  const clock = new SimClock();
  let answers = 0;
  const silent = new SilentFolders(clock, () => {
    answers += 1;
  });
  /** A call that returns when it is told to. */
  const ask = (name: string) => {
    const path = SpoolPath.from(name);
    const late: string[] = [];
    let answer: (result: string) => void = () => undefined;
    const outcome: string[] = [];
    const call = () =>
      new Promise<string>((resolve) => {
        answer = resolve;
      });
    silent
      .within(path, call, (result) => late.push(result))
      .then(
        (result) => outcome.push(result),
        (error: Error) => outcome.push(error.name),
      );
    return { path, late, outcome, answer: (result: string) => answer(result) };
  };
  return { clock, silent, ask, answers: () => answers };
}

test('passes on what a folder answers', async () => {
  const { clock, silent, ask } = folders();
  const { path, outcome, answer } = ask('a');
  await clock.advance(11 * SECONDS);
  answer('names');
  await clock.advance(60 * SECONDS);
  assert.deepEqual(
    [outcome, silent.has(path), silent.overdue, clock.pending],
    [['names'], false, undefined, 0],
  );
});

test('gives a folder up that does not answer, until it does', async () => {
  const { clock, silent, ask, answers } = folders();
  const { path, late, outcome, answer } = ask('a');
  await clock.advance(12 * SECONDS);
  assert.deepEqual([outcome, silent.has(path)], [['NoAnswer'], true]);
  answer('names');
  await clock.advance(0);
  assert.deepEqual(
    [late, silent.has(path), answers()],
    [['names'], false, 1],
    'what came late can be closed',
  );
});

test('waits on when two are given up already: each holds a thread, and files have to be read', async () => {
  const { clock, silent, ask } = folders();
  for (const name of ['a', 'b']) {
    ask(name);
    await clock.advance(12 * SECONDS);
  }
  const { path, outcome } = ask('c');
  await clock.advance(60 * SECONDS);
  assert.deepEqual([outcome, silent.has(path), `${silent.overdue}`], [[], false, 'c']);
});

test('never gives up the spool itself, and says that it is waited for', async () => {
  const { clock, silent, ask } = folders();
  const { outcome } = ask('');
  const overdue: (string | undefined)[] = [];
  for (const seconds of [11, 1]) {
    await clock.advance(seconds * SECONDS);
    overdue.push(silent.overdue?.id);
  }
  assert.deepEqual([outcome, overdue], [[], [undefined, '']]);
});

test('ends the wait when there is to be no scan any more', async () => {
  const { clock, silent, ask } = folders();
  const { outcome } = ask('');
  await clock.advance(1 * SECONDS);
  silent.stop();
  await clock.advance(0);
  assert.deepEqual([outcome, clock.pending], [['NoAnswer'], 0]);
});

test('closes what a silent folder still uses only when the folder answers', async () => {
  const { clock, silent, ask } = folders();
  const { path, answer } = ask('a');
  const closed: string[] = [];
  const closable = (name: string) => ({ close: async () => void closed.push(name) });
  await silent.close(SpoolPath.from('b'), closable('another'));
  await clock.advance(12 * SECONDS);
  await silent.close(path, closable('silent'));
  assert.deepEqual(closed, ['another']);
  answer('names');
  await clock.advance(0);
  assert.deepEqual(closed, ['another', 'silent']);
});

// When the log tells of a problem: once it has lasted, once a day, and when it is over.
import assert from 'node:assert/strict';
import test from 'node:test';
import { problemLines } from '../../src/report/problem-lines.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const MINUTE = 60_000;

function telling() {
  const clock = new SimClock();
  const log = new KeptLog();
  const hear = problemLines(clock, log);
  const from = clock.wallMs();
  const problem: ProblemView = {
    kind: 'deferred',
    severity: 'degraded',
    sinceAtMs: from,
    message: 'deferred: 3 EACCES such as a.jpg',
    remedy: 'chmod',
    nextTryAtMs: null,
    files: 3,
  };
  const pass = async (minutes: number, problems: (minute: number) => ProblemView[]) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      hear({
        kind: 'state',
        snapshot: { ...DRAINING, takenAtMs: clock.wallMs(), problems: problems(minute) },
      });
      await clock.advance(MINUTE);
    }
  };
  return { problem, pass, lines: () => log.records.map(({ message }) => message) };
}

test('a problem is told when it has lasted for 20 minutes, and again a day later, whatever file it names', async () => {
  const { problem, pass, lines } = telling();
  await pass(20, (at) => [{ ...problem, message: `deferred: 3 EACCES such as ${at}.jpg` }]);
  assert.deepEqual(lines(), []);
  await pass(24 * 60 - 1, (at) => [{ ...problem, message: `deferred: 3 EACCES such as ${at}.jpg` }]);
  assert.deepEqual(lines(), ['for 20 min: deferred: 3 EACCES such as 0.jpg; what to do: chmod']);
  await pass(2, () => [problem]);
  assert.equal(lines().length, 2);
});

test('a problem that no other line tells of is told at once', async () => {
  const { problem, pass, lines } = telling();
  await pass(10, () => [{ ...problem, kind: 'falling-behind', message: 'falling behind' }]);
  assert.deepEqual(lines(), ['falling behind; what to do: chmod']);
});

test('the end of a problem that was told is told, and a short absence is no end', async () => {
  const { problem, pass, lines } = telling();
  await pass(30, (at) => (at === 25 ? [] : [problem]));
  await pass(5, () => []);
  assert.deepEqual(lines().slice(1), ['over: deferred: 3 EACCES such as a.jpg']);
});

test('a notice is never told, and two problems of one kind are told apart', async () => {
  const { problem, pass, lines } = telling();
  const later = { ...problem, sinceAtMs: problem.sinceAtMs + 10 * MINUTE, message: 'another' };
  await pass(40, (at) => [{ ...problem, severity: 'notice' }, problem, ...(at >= 10 ? [later] : [])]);
  assert.equal(lines().length, 2);
});

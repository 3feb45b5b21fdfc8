// What is called wrong, how grave it is, and since when.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { WaitingFiles } from '../../src/drain/drain-ports.ts';
import type { IngestTrouble } from '../../src/report/ingest-book.ts';
import { type Problem, ProblemBook } from '../../src/report/problem-book.ts';
import { findProblems, type ProblemFacts } from '../../src/report/problems.ts';
import { Fault } from '../../src/system/fault.ts';
import { faultOf } from '../support/drain-bench.ts';
import { forecastOf } from '../support/forecasts.ts';
import { DRAINING, LINK } from '../support/snapshot-fixture.ts';

const MINUTE = 60_000;
const WALL = 1_800_000_000_000;

const TAKEN = new Fault('blocked', 'the port is taken', {
  ...{ operation: 'listen', subject: '[::1]:9464', hint: 'stop the other program' },
});
const WELL: ProblemFacts = {
  standstill: undefined,
  waiting: [],
  backlog: DRAINING.backlog,
  link: LINK,
  isWatching: true,
  unsaved: [],
  refusedReload: undefined,
  restingPacking: undefined,
  unkeptOrder: undefined,
  unobserved: undefined,
  ingestTroubles: [],
};

function waitingFor(faultClass: Parameters<typeof faultOf>[0]): WaitingFiles {
  const fault = faultOf(faultClass, { code: 'Code' });
  return { reason: 'Code', files: 3, example: 'a.jpg', isFolder: false, fault, nextTryAtMs: 5_000 };
}

function severities(problems: readonly Problem[], lastingMs: number): string[] {
  const book = new ProblemBook();
  let views = book.view(problems, 0, WALL);
  for (let nowMs = 0; nowMs <= lastingMs; nowMs += 10_000) views = book.view(problems, nowMs, WALL);
  return views.map(({ kind, severity }) => `${kind} ${severity}`);
}

test('that no packet can be written for ten minutes needs a human, because packets save money', () => {
  const resting = {
    why: 'unwritable' as const,
    fault: faultOf('breaker', { code: 'ENOSPC' }),
    nextTryAtMs: 5_000,
  };
  const problems = findProblems({ ...WELL, restingPacking: resting });
  assert.deepEqual(severities(problems, 9 * MINUTE), ['packing notice']);
  assert.deepEqual(severities(problems, 10 * MINUTE), ['packing degraded']);
});

test('nothing is wrong with a drain that keeps up', () => {
  assert.deepEqual(findProblems(WELL), []);
});

const FOLDER = {
  kind: 'closed folder',
  what: 'a folder that cannot be read or entered (EACCES)',
  remedy: 'chmod g+rwx',
  count: 1,
  example: 'priv',
} as const;

for (const [what, facts, expected] of [
  [
    'a pause',
    { standstill: { by: 'paused', message: 'paused', hint: 'halfpipe resume' } },
    'paused degraded',
  ],
  ['a store that refuses', { standstill: { by: 'store', message: 'no bucket' } }, 'store degraded'],
  ['a file that nobody may read', { waiting: [waitingFor('blocked')] }, 'deferred degraded'],
  ['a network that has just failed', { waiting: [waitingFor('transient')] }, 'deferred notice'],
  [
    'a packet that could not be written just now',
    { restingPacking: { why: 'refused', fault: faultOf('breaker'), nextTryAtMs: 5_000 } },
    'packing notice',
  ],
  ['a file in quarantine', { backlog: { ...DRAINING.backlog, quarantined: 1 } }, 'quarantine degraded'],
  [
    'a folder that nobody can enter',
    { backlog: { ...DRAINING.backlog, skipped: [{ ...FOLDER, hidesFiles: true }] } },
    'skipped degraded',
  ],
  [
    'a symbolic link',
    { backlog: { ...DRAINING.backlog, skipped: [{ ...FOLDER, hidesFiles: false }] } },
    'skipped notice',
  ],
  [
    'a backlog that grows',
    { backlog: { ...DRAINING.backlog, forecast: forecastOf('falling-behind') } },
    'falling-behind degraded',
  ],
  [
    'a disk that is full first',
    { backlog: { ...DRAINING.backlog, forecast: forecastOf('catching-up', { diskFullMs: MINUTE }) } },
    'disk-full degraded',
  ],
  ['a link without a counter', { link: { ...LINK, degraded: true } }, 'unmeasured degraded'],
  [
    'a slow line',
    { link: { ...LINK, slowLine: { bitsPerSec: 5e6, limitedBy: 'line' } } },
    'slow-line notice',
  ],
  ['the floor', { link: { ...LINK, floorEngaged: true } }, 'floor notice'],
  ['a reload that was refused', { refusedReload: 'link.share = 0 %' }, 'reload degraded'],
  ['an observer that cannot be served', { unobserved: TAKEN }, 'observe degraded'],
  ['an order that is not kept', { unkeptOrder: 'EROFS' }, 'unkept notice'],
  ['a spool without watches', { isWatching: false }, 'unwatched notice'],
  ...(['breakdown', 'internal', 'spool-unavailable'] as const).map((by) => ingest(by, 'ingest degraded')),
  ingest('tokens-unreadable', 'ingest-tokens degraded'),
  ingest('disk-full', 'ingest-disk degraded'),
  ingest('backlog-full', 'ingest-waits notice'),
  ['content that has no place', { unsaved: [{ path: 'a', message: 'ENOSPC' }] }, 'unsaved degraded'],
] as const satisfies readonly (readonly [string, Partial<ProblemFacts>, string])[])
  test(`${what} is ${expected}`, () => {
    const problems = findProblems({ ...WELL, ...facts });
    assert.deepEqual(severities(problems, 0), [expected]);
    for (const { message, kind, remedy } of problems) {
      assert.doesNotMatch(message, /undefined|null|NaN/);
      if (kind !== 'slow-line' && kind !== 'floor' && kind !== 'unwatched' && kind !== 'store')
        assert.ok(remedy, kind);
    }
  });

/** The obstacle's own words are part of the message. */
function ingest<const Expected extends string>(by: IngestTrouble['by'], expected: Expected) {
  return [`an ingest with ${by}`, { ingestTroubles: [{ by, detail: '10,000 files' }] }, expected] as const;
}

test('producers that wait are more than a notice after five minutes', () => {
  const problems = findProblems({
    ...WELL,
    ingestTroubles: [{ by: 'backlog-full', detail: '10,000 files' }],
  });
  assert.match(problems[0]?.message ?? '', /asked to wait, .*: 10,000 files$/);
  assert.deepEqual(severities(problems, 4 * MINUTE), ['ingest-waits notice']);
  assert.deepEqual(severities(problems, 5 * MINUTE), ['ingest-waits degraded']);
});

test('what the network causes is more than a notice after five minutes', () => {
  const problems = findProblems({ ...WELL, waiting: [waitingFor('transient')] });
  assert.deepEqual(severities(problems, 4 * MINUTE), ['deferred notice']);
  assert.deepEqual(severities(problems, 5 * MINUTE), ['deferred degraded']);
});

test('a floor that is the whole target is no problem', () => {
  const link = { ...LINK, floorEngaged: true, floorBitsPerSec: LINK.targetBitsPerSec };
  assert.deepEqual(findProblems({ ...WELL, link }), []);
});

test('the gravest comes first', () => {
  const problems = findProblems({
    ...WELL,
    waiting: [waitingFor('transient')],
    link: { ...LINK, degraded: true },
    standstill: { by: 'store', message: 'no bucket' },
  });
  assert.deepEqual(severities(problems, 0), ['store degraded', 'unmeasured degraded', 'deferred notice']);
});

test('a problem lasts over a short absence, and begins anew after a long one', () => {
  const book = new ProblemBook();
  const problem: Problem = { kind: 'store', message: 'no bucket', degradedAfterMs: 0 };
  const sinceAt = (nowMs: number, problems = [problem]) =>
    book.view(problems, nowMs, WALL + nowMs).map(({ sinceAtMs }) => sinceAtMs - WALL);
  assert.deepEqual(sinceAt(0), [0]);
  assert.deepEqual(sinceAt(30_000, []), []);
  assert.deepEqual(sinceAt(MINUTE), [0]);
  assert.deepEqual(sinceAt(90_000, []), []);
  assert.deepEqual(sinceAt(3 * MINUTE), [3 * MINUTE]);
});

test('since and the next try follow the wall clock, also after it was set', () => {
  const book = new ProblemBook();
  const problem: Problem = { kind: 'store', message: 'no bucket', nextTryAtMs: 15_000, degradedAfterMs: 0 };
  book.view([problem], 0, WALL);
  const [view] = book.view([problem], 10_000, WALL + 3_610_000);
  assert.equal(view?.sinceAtMs, WALL + 3_600_000);
  assert.equal(view?.nextTryAtMs, WALL + 3_615_000);
  const [late] = book.view([problem], 20_000, WALL);
  assert.equal(late?.nextTryAtMs, WALL, 'never in the past');
});

test('files that wait for different reasons are different problems', () => {
  const other = { ...waitingFor('blocked'), reason: 'EACCES' };
  const problems = findProblems({ ...WELL, waiting: [waitingFor('blocked'), other] });
  const book = new ProblemBook();
  book.view(problems.slice(0, 1), 0, WALL);
  const views = book.view(problems, 10_000, WALL + 10_000);
  assert.deepEqual(
    views.map(({ sinceAtMs, files }) => [sinceAtMs - WALL, files]),
    [
      [0, 3],
      [10_000, 3],
    ],
  );
});

// What the snapshot says about files that arrive over HTTP: counts that follow the events, and what holds now.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { IngestEvent, IngestOutcome } from '../../src/ingest/ingest-event.ts';
import { type ProblemKind, REFUSALS } from '../../src/ingest/problem-kind.ts';
import { METRICS } from '../../src/observe/metric-table.ts';
import { IngestBook } from '../../src/report/ingest-book.ts';
import { ingestProblems } from '../../src/report/ingest-problems.ts';
import { Fault } from '../../src/system/fault.ts';
import type { IngestView } from '../../src/view/ingest-view.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const LISTENING = { kind: 'ingestListening', urls: ['https://192.0.2.7:8443'], isTls: true } as const;

function accepted(outcome: IngestOutcome, sizeBytes: number): IngestEvent {
  return { kind: 'ingested', path: 'a.jpg', sizeBytes, token: 'camera-7', outcome, elapsedMs: 3 };
}

function refused(problem: ProblemKind, detail = 'the reason'): IngestEvent {
  const { status } = REFUSALS[problem];
  return {
    kind: 'ingestRefused',
    status,
    problem,
    token: 'camera-7',
    path: 'a.jpg',
    client: undefined,
    detail,
  };
}

function state(receivedBytes: number): IngestEvent {
  return { kind: 'ingestState', receiving: 2, connections: 3, waitingSync: 1, receivedBytes };
}

function keeping(...events: readonly IngestEvent[]) {
  const clock = new SimClock();
  const book = new IngestBook(clock);
  const hear = (...more: readonly IngestEvent[]) => {
    for (const event of more) book.hear(event);
  };
  hear(...events);
  const view = (): IngestView => book.view() ?? assert.fail('ingest is off');
  /** The series of a metric, by the values of their labels. */
  const metric = (name: string) => {
    const row = METRICS.find((one) => one.name === name) ?? assert.fail(name);
    const samples = row.samples({ ...DRAINING, ingest: view() });
    return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };
  return { clock, book, hear, view, metric };
}

test('there is nothing to tell while ingest is off, before and after it was on', () => {
  const { book, hear } = keeping();
  assert.equal(book.view(), null);
  hear(LISTENING, refused('disk-full'));
  assert.ok(book.view());
  hear({ kind: 'ingestListening', urls: [], isTls: false });
  assert.equal(book.view(), null);
  assert.deepEqual(book.troubles, []);
});

for (const outcome of ['created', 'same', 'replaced'] as const)
  test(`a file that is ${outcome} counts as such, with its size, in the snapshot and its metrics alike`, () => {
    const { view, metric } = keeping(LISTENING, accepted(outcome, 700), accepted(outcome, 300));
    const none = { files: 0, bytes: 0 };
    const expected = { created: none, same: none, replaced: none, [outcome]: { files: 2, bytes: 1_000 } };
    assert.deepEqual(view().accepted, expected);
    const counts = Object.entries(expected);
    for (const unit of ['files', 'bytes'] as const)
      assert.deepEqual(
        metric(`halfpipe_ingest_accepted_${unit}_total`),
        Object.fromEntries(counts.map(([word, count]) => [word, count[unit]])),
      );
  });

for (const problem of Object.keys(REFUSALS) as ProblemKind[])
  test(`a request refused as ${problem} counts as that alone, in the snapshot and its metric alike`, () => {
    const { view, metric } = keeping(LISTENING, refused(problem), refused(problem));
    const counted = Object.entries(view().refused).filter(([, count]) => count > 0);
    assert.deepEqual(counted, [[problem, 2]]);
    assert.deepEqual(metric('halfpipe_ingest_refused_total'), view().refused);
  });

test('each kind of refusal is counted, from 0 on', () => {
  const { view } = keeping(LISTENING);
  assert.deepEqual(Object.keys(view().refused).toSorted(), Object.keys(REFUSALS).toSorted());
  assert.ok(Object.values(view().refused).every((count) => count === 0));
});

test('what is under way is that of the last second, and each of its gauges moves with it', () => {
  const { view, metric, hear } = keeping(LISTENING, state(5_000));
  const now = ({ receiving, connections, waitingSync, receivedBytes }: IngestView) => [
    ...[receiving, connections, waitingSync, receivedBytes],
  ];
  const shown = () =>
    ['receiving', 'connections', 'waiting_for_disk', 'received_bytes_total'].map(
      (name) => metric(`halfpipe_ingest_${name}`)[''],
    );
  assert.deepEqual(now(view()), [2, 3, 1, 5_000]);
  assert.deepEqual(shown(), [2, 3, 1, 5_000]);
  hear({ kind: 'ingestState', receiving: 0, connections: 1, waitingSync: 0, receivedBytes: 4_000 });
  assert.deepEqual(now(view()), [0, 1, 0, 9_000]);
  assert.deepEqual(shown(), [0, 1, 0, 9_000]);
});

test('a thread that broke down receives nothing until it listens again, and its successor counts on', () => {
  const { view, hear, book, metric } = keeping(LISTENING, state(5_000), accepted('created', 700));
  hear({ kind: 'ingestBroke', problem: 'out of memory' });
  const { isUp, receiving, connections, receivedBytes, breakdowns, urls } = view();
  assert.deepEqual([isUp, receiving, connections, receivedBytes, breakdowns], [false, 0, 0, 5_000, 1]);
  assert.deepEqual(urls, LISTENING.urls);
  assert.deepEqual(book.troubles, [{ by: 'breakdown', detail: 'out of memory' }]);
  assert.deepEqual(
    [metric('halfpipe_ingest_up'), metric('halfpipe_ingest_breakdowns_total')],
    [{ '': 0 }, { '': 1 }],
  );
  hear(LISTENING, state(100));
  assert.deepEqual([view().isUp, view().receivedBytes, view().accepted.created.files], [true, 5_100, 1]);
  assert.deepEqual(book.troubles, []);
  assert.deepEqual(metric('halfpipe_ingest_up'), { '': 1 });
});

test('what was received is counted once, through reloads, other servers and a thread that was silent', () => {
  const { view, hear } = keeping(LISTENING, state(5_000));
  hear(LISTENING, state(1_000));
  assert.equal(view().receivedBytes, 6_000);
  hear({ ...LISTENING, urls: ['unix:/run/other.sock'] }, state(7_000), state(0));
  assert.equal(view().receivedBytes, 13_000);
  hear({ kind: 'ingestDown', error: new Error('silent') });
  hear({ ...LISTENING, urls: ['unix:/run/other.sock'] }, state(500));
  assert.equal(view().receivedBytes, 13_500);
});

test('what cannot listen is on, but not up, and says why and what to do, until it listens or is turned off', () => {
  const details = { operation: 'listen', subject: '8080', hint: 'set another port' };
  const error = new Fault('blocked', 'port 8080 is taken', details);
  const { view, hear, book, metric } = keeping({ kind: 'ingestDown', error });
  assert.deepEqual([view().urls, view().isUp, view().breakdowns], [[], false, 0]);
  assert.deepEqual(metric('halfpipe_ingest_up'), { '': 0 });
  const [problem] = ingestProblems(book.troubles);
  assert.equal(problem?.message, 'no file is received over HTTP: port 8080 is taken');
  assert.equal(problem?.remedy, 'set another port');
  hear(LISTENING);
  assert.deepEqual([view().isUp, book.troubles], [true, []]);
  hear({ kind: 'ingestDown', error: new Error('EMFILE') });
  assert.deepEqual(book.troubles, [{ by: 'down', detail: 'EMFILE' }]);
  hear({ kind: 'ingestListening', urls: [], isTls: false });
  assert.equal(book.view(), null);
});

test('the last accepted file has its time by the wall clock', async () => {
  const { clock, view, hear, metric } = keeping(LISTENING);
  assert.equal(view().lastAcceptedAtMs, null);
  assert.deepEqual(metric('halfpipe_ingest_last_accepted_timestamp_seconds'), {});
  await clock.advance(3_000);
  hear(accepted('created', 1));
  assert.equal(view().lastAcceptedAtMs, clock.wallMs());
  assert.deepEqual(metric('halfpipe_ingest_last_accepted_timestamp_seconds'), { '': clock.wallMs() / 1_000 });
});

test('the rate is that of the last minute, however much came before', async () => {
  const { clock, view, hear } = keeping(LISTENING);
  assert.equal(view().lastMinute, null);
  const seconds = async (count: number, filesPerSec: number) => {
    for (let second = 0; second < count; second += 1) {
      for (let file = 0; file < filesPerSec; file += 1) hear(accepted('created', 1_000));
      await clock.advance(1_000);
      hear(state(0));
    }
  };
  await seconds(10, 40);
  assert.deepEqual(view().lastMinute, { filesPerSec: 40, bytesPerSec: 40_000 });
  await seconds(60, 2);
  assert.deepEqual(view().lastMinute, { filesPerSec: 2, bytesPerSec: 2_000 });
  await seconds(60, 0);
  assert.deepEqual(view().lastMinute, { filesPerSec: 0, bytesPerSec: 0 });
});

test('producers are asked to wait for as long as one of them is, and a minute more', async () => {
  const { clock, view, hear, metric } = keeping(LISTENING);
  assert.equal(view().asksToWait, null);
  assert.deepEqual(metric('halfpipe_ingest_asks_to_wait'), { '': 0 });
  for (let second = 0; second < 300; second += 1) {
    hear(refused('backlog-full', `${second} files`), accepted('created', 1));
    await clock.advance(1_000);
    assert.equal(view().asksToWait, `${second} files`);
  }
  assert.deepEqual(metric('halfpipe_ingest_asks_to_wait'), { '': 1 });
  await clock.advance(60_000);
  assert.equal(view().asksToWait, null);
});

for (const by of ['internal', 'spool-unavailable', 'tokens-unreadable'] as const)
  test(`a file that is accepted ends the problem ${by}`, () => {
    const { book, hear } = keeping(LISTENING, refused(by, 'EACCES'));
    assert.deepEqual(book.troubles, [{ by, detail: 'EACCES' }]);
    hear(accepted('created', 1));
    assert.deepEqual(book.troubles, []);
  });

for (const by of ['backlog-full', 'disk-full'] as const)
  test(`a small file that is accepted does not end the problem ${by}`, () => {
    const { book } = keeping(LISTENING, refused(by, 'too little'), accepted('created', 1));
    assert.deepEqual(book.troubles, [{ by, detail: 'too little' }]);
  });

test('what a client does wrong is no problem of this machine', () => {
  const kinds = [
    'name-taken',
    'unauthorized',
    'too-large',
    'digest-mismatch',
    'not-found',
    'busy',
    'in-use',
    'no-access',
    'no-room',
    'incomplete',
  ] as const;
  const { book } = keeping(LISTENING, ...kinds.map((kind) => refused(kind)));
  assert.deepEqual(book.troubles, []);
});

// `halfpipe status` in words: a screenful, with every problem and what to do.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isHealthy } from '../../src/view/health-text.ts';
import { refusedText } from '../../src/view/ingest-text.ts';
import type { IngestView } from '../../src/view/ingest-view.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { statusScreen } from '../../src/view/status-screen.ts';
import { AT_TWO_MS } from '../support/forecasts.ts';
import { DRAINING, NONE_REFUSED, withBacklog } from '../support/snapshot-fixture.ts';

const MINUTE = 60_000;

const STORE: ProblemView = {
  kind: 'store',
  severity: 'degraded',
  sinceAtMs: AT_TWO_MS - 20 * MINUTE,
  message: 'the bucket does not exist',
  remedy: 'create it, or correct s3.bucket',
  nextTryAtMs: AT_TWO_MS + 40_000,
  files: null,
};

function withProblems(...problems: ProblemView[]): Snapshot {
  return { ...DRAINING, problems };
}

test('says in a screenful what is drained, how fast and until when', () => {
  assert.deepEqual(statusScreen(DRAINING).split('\n'), [
    'halfpipe is healthy: draining; version 0.1.0, up for 30 s',
    '  backlog  3,000 files, 300 MB; the oldest is 30 s old: cam/a.jpg',
    '  flow     in 4.86, out 62.3 files/s in the last minute; catching up, done in 48 s',
    '  link     49.9 Mbit/s of the target 50.0 Mbit/s; own 49.1 Mbit/s, others 840 kbit/s; lo carries 100 Mbit/s',
    '  share    50 % (link.share)',
    '  uploads  3 at once of at most 4; since the start 2,000 files (200 MB) uploaded, verified and deleted',
  ]);
});

test('says what is on its way in packets', () => {
  const packets = { gatheredFiles: 120, gatheredBytes: 1, completePackets: 1, completeFiles: 800 };
  const totals = { ...DRAINING.totals, packedFiles: 1_600, uploadedPackets: 2 };
  assert.match(
    statusScreen({ ...DRAINING, packets, totals }),
    /\n {2}packets {2}120 files wait for company in a packet; 1 packet with 800 files complete; since the start 1,600 files uploaded in 2 packets$/,
  );
});

test('names a problem, since when it lasts, when it is tried again, and what to do', () => {
  const text = statusScreen(withProblems(STORE));
  assert.match(text, /^halfpipe is DEGRADED: draining/);
  assert.deepEqual(text.split('\n').slice(-3), [
    '  PROBLEM  the bucket does not exist',
    '           since 13:40 (20 min), next try in 40 s',
    '           what to do: create it, or correct s3.bucket',
  ]);
});

test('a notice leaves the daemon healthy, anything graver does not', () => {
  assert.equal(isHealthy(withProblems()), true);
  assert.equal(isHealthy(withProblems({ ...STORE, severity: 'notice' })), true);
  assert.equal(isHealthy(withProblems({ ...STORE, severity: 'notice' }, STORE)), false);
});

test('the oldest file says why it waits', () => {
  const snapshot = withBacklog({ oldest: { path: 'cam/a.jpg', reason: 'Access Denied' } });
  assert.match(statusScreen(snapshot), /30 s old: cam\/a\.jpg, which waits: Access Denied\n/);
});

test('files that are still being written are counted', () => {
  assert.match(statusScreen(withBacklog({ written: 2 })), /300 MB; 2 still being written;/);
});

test('before the first scan has ended, nothing is said of the backlog', () => {
  const snapshot = withBacklog({ files: 0, oldest: null, oldestAgeMs: null });
  assert.match(statusScreen({ ...snapshot, state: 'starting' }), /backlog {2}not counted yet/);
});

test('an empty spool, and a link that is not found, are told as such', () => {
  const empty = withBacklog({ files: 0, bytes: 0, oldestAgeMs: null, oldest: null });
  assert.match(statusScreen(empty), /backlog {2}empty/);
  assert.match(statusScreen({ ...DRAINING, link: null }), /link {5}not found yet/);
});

const INGEST: IngestView = {
  ...{ urls: ['https://192.0.2.7:8443'], isTls: true, isUp: true, breakdowns: 0, asksToWait: null },
  ...{ connections: 9, receiving: 2, waitingSync: 1, receivedBytes: 4e6 },
  accepted: {
    created: { files: 1_000, bytes: 100e6 },
    same: { files: 3, bytes: 3e5 },
    replaced: { files: 1, bytes: 1e5 },
  },
  lastMinute: { filesPerSec: 4.5, bytesPerSec: 450_000 },
  lastAcceptedAtMs: AT_TWO_MS - 3_000,
  refused: { ...NONE_REFUSED, unauthorized: 10, 'name-taken': 2 },
};

test('ingest is a line while it is on: where, how much, how lately, and what was refused', () => {
  const lineOf = (ingest: IngestView | null) =>
    /^ {2}ingest .*$/m.exec(statusScreen({ ...DRAINING, ingest }))?.[0];
  assert.equal(lineOf(null), undefined);
  assert.equal(
    lineOf(INGEST),
    '  ingest   https://192.0.2.7:8443; 1,004 files (100 MB) accepted, the last 3 s ago; receiving 2; 12 refused (10 unauthorized, 2 name-taken)',
  );
  const quiet = { ...INGEST, receiving: 0, lastAcceptedAtMs: null, refused: NONE_REFUSED };
  assert.equal(lineOf(quiet), '  ingest   https://192.0.2.7:8443; 1,004 files (100 MB) accepted');
  assert.match(lineOf({ ...INGEST, isUp: false }) ?? '', /^ {2}ingest {3}receives nothing now; 1,004 files/);
});

test('the kinds of refusals that a line names are the three most frequent', () => {
  const refused = { ...NONE_REFUSED, busy: 1, 'too-large': 4, unauthorized: 3, 'bad-name': 2_000 };
  assert.equal(refusedText({ refused }), '2,008 refused (2,000 bad-name, 4 too-large, 3 unauthorized, …)');
  assert.equal(refusedText({ refused: NONE_REFUSED }), '');
});

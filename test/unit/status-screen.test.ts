// `halfpipe status` in words: a screenful, with every problem and what to do.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isHealthy } from '../../src/view/health-text.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { statusScreen } from '../../src/view/status-screen.ts';
import { AT_TWO_MS } from '../support/forecasts.ts';
import { DRAINING, withBacklog } from '../support/snapshot-fixture.ts';

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

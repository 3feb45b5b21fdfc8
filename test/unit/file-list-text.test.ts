// `halfpipe list` in words.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import { type FileView, fileView } from '../../src/view/file-list.ts';
import { fileListText } from '../../src/view/file-list-text.ts';

const NOW = new Date(2026, 0, 15, 14).getTime();

function file(state: string, known: Partial<FileView> = {}, name = 'cam/a.jpg'): FileView {
  return fileView(SpoolPath.from(name), state, { sizeBytes: 20_000, modifiedAtMs: NOW - 60_000, ...known });
}

test('waiting files have size and age, and the rest is counted', () => {
  assert.equal(
    fileListText({ list: 'waiting', files: [file('waiting')], total: 1_000_000 }, NOW),
    '1,000,000 files waiting, in the order of upload\n  cam/a.jpg  20.0 kB, 1 min old\n  … and 999,999 more',
  );
});

test('a deferred file says why, how often it failed, when it is tried again, and what to do', () => {
  const known = {
    reason: 'Access Denied',
    remedy: 'allow s3:PutObject',
    attempts: 3,
    nextTryAtMs: NOW + 40_000,
  };
  assert.equal(
    fileListText({ list: 'deferred', files: [file('deferred', known)], total: 1 }, NOW),
    '1 file deferred\n  cam/a.jpg  deferred, 20.0 kB, 1 min old, failed 3 times, next try in 40 s\n' +
      '      Access Denied. allow s3:PutObject',
  );
});

test('a file in flight says how far it is, a recent one its key and digest, one in quarantine its id', () => {
  const sending = file('sending', { sentBytes: 5_000 });
  assert.match(
    fileListText({ list: 'sending', files: [sending], total: 1 }, NOW),
    /sending, 5.00 kB of 20.0 kB/,
  );
  const recent = file('uploaded', { sinceAtMs: NOW, durationMs: 310, key: 'k/a.jpg', sha256: 'ab' });
  assert.match(
    fileListText({ list: 'recent', files: [recent], total: 1 }, NOW),
    /uploaded 14:00, 20.0 kB, in 0.31 s, as k\/a.jpg, sha256 ab/,
  );
  const bad = file('quarantined', { sinceAtMs: NOW, id: '2026-1', reason: 'why' });
  assert.match(
    fileListText({ list: 'quarantined', files: [bad], total: 1 }, NOW),
    /since 14:00, 2026-1\n {6}why/,
  );
});

test('names and reasons cannot draw on the terminal', () => {
  const text = fileListText(
    { list: 'skipped', files: [file('a\u001b[2J', {}, 'x\u001b[2J')], total: 1 },
    NOW,
  );
  assert.equal(text.includes('\u001b'), false);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import { columnsOf } from '../../src/view/columns.ts';
import { type FileView, fileView } from '../../src/view/file-list.ts';
import { failuresSection, sendingSection, uploadsSection } from '../../src/view/file-sections.ts';

const NOW_MS = 1_000_000_000;
const WIDE = { nowMs: NOW_MS, columns: 71 };

function file(path: string, state: string, known: Partial<FileView> = {}): FileView {
  return fileView(SpoolPath.from(path), state, known);
}

describe('a file on its way', () => {
  for (const { what, view, columns, line } of [
    {
      what: 'has a bar and the part that was sent',
      view: file('camera/1.jpg', 'sending', { sizeBytes: 20e6, sentBytes: 12.4e6 }),
      columns: 71,
      line: '━━━━━━┄┄┄┄       62 %  20.0 MB  camera/1.jpg',
    },
    {
      what: 'has a longer bar on a wide terminal',
      view: file('a', 'sending', { sizeBytes: 100, sentBytes: 25 }),
      columns: 111,
      line: '━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄       25 %    100 B  a',
    },
    {
      what: 'has no bar on a narrow terminal, and keeps the end of its path',
      view: file('a/long/way/to/camera/1.jpg', 'sending', { sizeBytes: 100, sentBytes: 100 }),
      columns: 31,
      line: '     100 %    100 B  …era/1.jpg',
    },
    {
      what: 'tells its stage while it is not sent',
      view: file('a', 'removing', { sizeBytes: 100, sentBytes: 100 }),
      columns: 71,
      line: '━━━━━━━━━━   removing    100 B  a',
    },
    {
      what: 'never counts above 100 %, and an empty file is at 0 %',
      view: file('a', 'sending', { sizeBytes: 0, sentBytes: 0 }),
      columns: 71,
      line: '┄┄┄┄┄┄┄┄┄┄        0 %      0 B  a',
    },
  ])
    test(what, () => {
      assert.deepEqual(sendingSection([view], { nowMs: NOW_MS, columns }).entries, [[line]]);
      assert.ok(columnsOf(line) <= columns);
    });
});

test('an uploaded file tells when, how large, how long it took, and its key if that differs', () => {
  const known = { sizeBytes: 120_000, sinceAtMs: NOW_MS - 12_000, durationMs: 1_400 };
  const files = [
    file('camera/2.jpg', 'uploaded', { ...known, key: 'camera/2.jpg' }),
    file('camera/2.jpg', 'uploaded', { ...known, key: 'camera/2.1a2b3c4d.jpg' }),
  ];
  assert.deepEqual(uploadsSection(files, WIDE).entries, [
    ['      12 s ago   120 kB in 1 s  camera/2.jpg'],
    ['      12 s ago   120 kB in 1 s  camera/2.jpg → camera/2.1a2b3c4d.jpg'],
  ]);
});

test('a failed file tells why, and when it is tried again', () => {
  const why = { sinceAtMs: NOW_MS - 5_000, reason: 'AccessDenied (HTTP 403)' };
  const files = [
    file('a', 'deferred', { ...why, nextTryAtMs: NOW_MS + 20_000 }),
    file('a', 'deferred', { ...why, nextTryAtMs: NOW_MS - 1 }),
    file('a', 'quarantined', why),
  ];
  assert.deepEqual(failuresSection(files, WIDE).entries, [
    ['       5 s ago  a (next try in 20 s): AccessDenied (HTTP 403)'],
    ['       5 s ago  a (tried again): AccessDenied (HTTP 403)'],
    ['       5 s ago  a (quarantined): AccessDenied (HTTP 403)'],
  ]);
});

test('a key of a name with control characters draws nothing on the terminal', () => {
  const name = 'a\x1b[2J.jpg';
  const [[line = ''] = []] = uploadsSection([file(name, 'uploaded', { key: name })], WIDE).entries;
  assert.equal(line.includes('\x1b'), false);
  assert.equal(line.includes('→'), false, 'it is the same name');
});

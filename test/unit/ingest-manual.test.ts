// The manual's table of the answers to a producer, and its set-up of files over HTTP.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REFUSALS } from '../../src/ingest/problem-kind.ts';

const [, after = ''] = readFileSync('config/OPERATING.md', 'utf8').split('\n## Files over HTTP\n');
const [SECTION = ''] = after.split('\n## ');

test('the table of answers has every problem, with its status, in their order', () => {
  const rows = [...SECTION.matchAll(/^\| (\d{3}) \| `([a-z-]+)` \| [^|]{10,} \|$/gm)];
  assert.deepEqual(
    rows.map(([, status, kind]) => [kind, Number(status)]),
    Object.entries(REFUSALS).map(([kind, { status }]) => [kind, status]),
  );
});

test('the manual sets up the keys that there are', () => {
  assert.match(SECTION, /listen: 8080 and tokensFile: \/etc\/halfpipe\/ingest-tokens\.json/);
  for (const key of ['listen', 'tokensFile'])
    assert.match(readFileSync('config/halfpipe.yaml', 'utf8'), new RegExp(`^  ${key}:`, 'm'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetKey } from '../../src/packets/packet-key.ts';

const FACTS = {
  wallMs: Date.UTC(2026, 10, 28, 4, 5, 6, 789),
  host: 'edge-1',
  group: '',
  digestHex: '0123456789abcdef'.repeat(4),
};
const DIGEST = '0123456789abcdef0123456789abcdef';

for (const [template, facts, key] of [
  ['p/{date}T{time}Z-{host}-{digest}.zip', {}, `p/2026-11-28T040506Z-edge-1-${DIGEST}.zip`],
  ['p/{group}/{digest}.zip', { group: 'cam1/day' }, `p/cam1/day/${DIGEST}.zip`],
  ['p/{group}/{digest}.zip', {}, `p/${DIGEST}.zip`],
  ['{group}/{digest}', { prefix: 'in/' }, `in/${DIGEST}`],
  ['{host}/{digest}', { host: 'a/b' }, `a-b/${DIGEST}`],
  ['{group}/{digest}', { group: '{digest}$&' }, `{digest}$&/${DIGEST}`],
] as const)
  test(`${template} makes ${key}`, () => {
    assert.equal(packetKey(template, { ...FACTS, ...facts }), key);
  });

test('a long group is shortened at a character, so that the key fits', () => {
  const key = packetKey('{group}/{digest}', { ...FACTS, group: 'é'.repeat(600), prefix: 'x'.repeat(500) });
  assert.match(key, /^x{500}é{245}\/[0-9a-f]{32}$/);
});

test('a key that is too long without a group is the fault of the template or the prefix', () => {
  assert.throws(() => packetKey('{group}/{digest}', { ...FACTS, prefix: 'x'.repeat(1_000) }), {
    code: 'KeyTooLongError',
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clockBehind, isOldSignature, skewHint, validityHint } from '../../src/store/s3/clock-verdict.ts';

const BUILT_MS = Date.UTC(2026, 10, 1);
const NOW_MS = Date.UTC(2026, 10, 26, 12);
const HOUR_MS = 3_600_000;
const FACTS = { wallMs: NOW_MS, builtAtMs: BUILT_MS, serverMs: undefined, isSynchronized: false };

test('a clock that is older than the program is wrong, whatever else is said', () => {
  const facts = { ...FACTS, wallMs: 0, serverMs: NOW_MS, isSynchronized: true };
  const sentence =
    /^This machine's clock is wrong: it says 1970-01-01, and halfpipe is from 2026-11-01: set it/;
  assert.match(clockBehind(facts) ?? '', sentence);
  assert.match(skewHint(facts), sentence);
  assert.match(validityHint('CERT_NOT_YET_VALID', facts, undefined), sentence);
  assert.equal(clockBehind(FACTS), undefined);
});

describe('a store that refuses the time of a signature', () => {
  const storeIsAhead = { ...FACTS, serverMs: NOW_MS + HOUR_MS };
  test('has the wrong clock, where this machine is synchronized', () => {
    assert.match(
      skewHint({ ...storeIsAhead, isSynchronized: true }),
      /^The store's clock is wrong: .*13:00 UTC/,
    );
  });
  test('or this machine has, where it is not', () => {
    assert.match(skewHint(storeIsAhead), /^One clock is wrong: .*12:00 UTC, the store's .*13:00 UTC/);
  });
  test('says nothing of clocks that agree: the signature was old', () => {
    assert.equal(isOldSignature({ ...FACTS, serverMs: NOW_MS + 2_000 }), true);
    assert.equal(isOldSignature(storeIsAhead), false);
    assert.equal(isOldSignature(FACTS), false);
  });
});

describe('a certificate out of its time', () => {
  for (const [code, facts, says] of [
    [
      'CERT_HAS_EXPIRED',
      { serverMs: NOW_MS },
      /agrees with the server's, and .* has expired \(on X\): renew it/,
    ],
    ['CERT_HAS_EXPIRED', { isSynchronized: true }, /clock \(.*\) is synchronized, and .* has expired/],
    ['CERT_HAS_EXPIRED', {}, /^The server must renew its certificate, or this machine's clock runs ahead/],
    ['CERT_NOT_YET_VALID', { serverMs: NOW_MS }, /agrees with the server's, and .* not valid yet \(on X\)/],
    [
      'CERT_NOT_YET_VALID',
      { serverMs: NOW_MS + 24 * HOUR_MS },
      /^One clock is wrong: .*timedatectl set-ntp true/,
    ],
    ['CERT_NOT_YET_VALID', {}, /^This machine's clock is behind \(.*\), or the certificate/],
  ] as const)
    test(`${code} with ${JSON.stringify(facts)}`, () => {
      assert.match(validityHint(code, { ...FACTS, ...facts }, 'on X'), says);
    });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileNames } from '../../src/ingest/file-name.ts';
import { Refusal } from '../../src/ingest/refusal.ts';

const names = new FileNames({ ignore: ['.*', '*.tmp', 'attic', 'raw/*.jpg'], maxPathBytes: 600 });

for (const [encoded, name] of [
  ['a', 'a'],
  ['camera-7/2026/0001.jpg', 'camera-7/2026/0001.jpg'],
  ['%C3%A9t%C3%A9', 'été'],
  ['a+b%2Bc', 'a+b+c'],
  ['100%25', '100%'],
  ['%2525', '%25'],
  ['a%3Fb%23c', 'a?b#c'],
  ['a%5Cb', 'a\\b'],
  ['%20', ' '],
  ['raw/a.png', 'raw/a.png'],
  ['a'.repeat(255), 'a'.repeat(255)],
  [Array.from({ length: 65 }, () => 'a').join('/'), Array.from({ length: 65 }, () => 'a').join('/')],
] as const)
  test(`the name ${encoded.slice(0, 30)} is accepted`, () => {
    assert.equal(names.accept(encoded).bytes.toString(), name);
  });

for (const [encoded, kind, detail] of [
  ['', 'bad-name', /empty part/],
  ['/a', 'bad-name', /empty part/],
  ['a/', 'bad-name', /empty part/],
  ['a//b', 'bad-name', /empty part/],
  ['..', 'bad-name', /begin with a dot/],
  ['a/../b', 'bad-name', /begin with a dot/],
  ['%2e%2E/b', 'bad-name', /begin with a dot/],
  ['.halfpipe/tmp/x', 'bad-name', /begin with a dot/],
  ['a/.hidden', 'bad-name', /begin with a dot/],
  ['a%2Fb', 'bad-name', /%2F/],
  ['..%2f..', 'bad-name', /begin with a dot/],
  ['%', 'bad-name', /%25/],
  ['%2', 'bad-name', /%25/],
  ['%zz', 'bad-name', /%25/],
  ['%00', 'bad-name', /control characters/],
  ['a%0Ab', 'bad-name', /control characters/],
  ['%7F', 'bad-name', /control characters/],
  ['%C2%80', 'bad-name', /control characters/],
  ['%ff', 'bad-name', /UTF-8/],
  ['%C0%AE%C0%AE', 'bad-name', /UTF-8/],
  ['%ED%A0%80', 'bad-name', /UTF-8/],
  ['a#b', 'bad-name', /percent-encoded/],
  ['a'.repeat(256), 'bad-name', /255 bytes/],
  [`${'a'.repeat(200)}/${'a'.repeat(200)}/${'a'.repeat(199)}`, 'bad-name', /600 bytes/],
  [Array.from({ length: 66 }, () => 'a').join('/'), 'bad-name', /64 folders/],
  ['a.tmp', 'ignored-name', /name a\.tmp, because spool\.ignore/],
  ['attic/a', 'ignored-name', /name attic, /],
  ['a/attic', 'ignored-name', /name attic, /],
  ['raw/a.jpg', 'ignored-name', /name a\.jpg, /],
  ['%61.tmp', 'ignored-name', /name a\.tmp, /],
] as const)
  test(`the name ${encoded.slice(0, 30)} is refused`, () => {
    assert.throws(
      () => names.accept(encoded),
      (error) => error instanceof Refusal && error.kind === kind && detail.test(error.message),
    );
  });

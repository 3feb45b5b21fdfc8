// Whatever a URL says, a name that is accepted stays in the spool, is seen by a scan, and is the name that the client meant.
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { IgnoreRules } from '../../src/backlog/ignore-rules.ts';
import { FileNames } from '../../src/ingest/file-name.ts';
import { Refusal } from '../../src/ingest/refusal.ts';
import { hostilePath } from '../support/hostile-requests.ts';

const IGNORE = ['*.tmp', 'attic', 'deep/*'];
const names = new FileNames({ ignore: IGNORE, maxPathBytes: 1_000 });
const rules = new IgnoreRules(IGNORE);

function accepted(encoded: string): Buffer | undefined {
  try {
    return names.accept(encoded).bytes;
  } catch (error) {
    assert.ok(error instanceof Refusal && ['bad-name', 'ignored-name'].includes(error.kind), `${error}`);
    return undefined;
  }
}

test('a name that is accepted cannot lead out of the spool, and no scan passes it over', () => {
  let count = 0;
  fc.assert(
    fc.property(hostilePath, (encoded) => {
      const path = accepted(encoded);
      if (path === undefined) return;
      count += 1;
      const text = path.toString('utf8');
      assert.ok(isUtf8(path) && !/\p{Cc}/u.test(text) && path.byteLength <= 1_000);
      assert.equal(posix.normalize(text), text);
      assert.ok(posix.resolve('/spool', text).startsWith('/spool/'));
      const segments = text.split('/');
      assert.ok(segments.every((segment) => !segment.startsWith('.') && Buffer.byteLength(segment) <= 255));
      for (let n = 1; n <= segments.length; n++) {
        const [name = '', above] = [segments[n - 1], segments.slice(0, n).join('/')];
        assert.ok(!rules.ignores(Buffer.from(name), Buffer.from(above)), `${above} is ignored`);
      }
    }),
    { numRuns: 10_000 },
  );
  assert.ok(count > 500, `${count} names were accepted`);
});

test('a good name that is percent-encoded in any way is the same name', () => {
  const good = fc
    .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 4 })
    .map((segments) =>
      segments.map((segment) => segment.replace(/[/\p{Cc}\p{Cs}]/gu, '_').replace(/^\./, '_')),
    );
  const encodings = [
    encodeURIComponent,
    (text: string) => Buffer.from(text).toString('hex').replace(/../g, '%$&'),
  ];
  fc.assert(
    fc.property(good, fc.constantFrom(...encodings), (segments, encode) => {
      const path = accepted(segments.map(encode).join('/'));
      const text = segments.join('/');
      const isIgnored =
        segments.some((segment) => /\.tmp$|^attic$/.test(segment)) || /^deep\/[^/]*/.test(text);
      if (!isIgnored) assert.equal(path?.toString('utf8'), text);
    }),
    { numRuns: 3_000 },
  );
});

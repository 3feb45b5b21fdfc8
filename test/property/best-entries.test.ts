import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BestEntries, compareEntries } from '../../src/backlog/best-entries.ts';
import { type Entry, type SpoolOrder, SpoolPath } from '../../src/spool/entry.ts';

const ORDERS: readonly SpoolOrder[] = ['oldest-first', 'newest-first', 'smallest-first', 'name'];

const entries: fc.Arbitrary<Entry[]> = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.nat(5), fc.nat(5)), { selector: ([name]) => name })
  .map((specs) =>
    specs.map(([name, sizeBytes, modifiedAtMs]) => ({
      path: SpoolPath.from(name),
      identity: { dev: 1n, ino: 1n, sizeBytes, mtimeNs: 0n, ctimeNs: 0n },
      modifiedAtMs,
    })),
  );

test('keeps what sorting everything and cutting it off would keep', () => {
  fc.assert(
    fc.property(
      entries,
      fc.constantFrom(...ORDERS),
      fc.integer({ min: 1, max: 8 }),
      (offered, order, capacity) => {
        const best = new BestEntries(capacity, order);
        for (const entry of offered) best.offer(entry);
        assert.deepEqual(best.drain(), offered.toSorted(compareEntries(order)).slice(0, capacity));
      },
    ),
  );
});

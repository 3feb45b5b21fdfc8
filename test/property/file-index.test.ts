import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FileIndex } from '../../src/backlog/file-index.ts';
import { FoundFiles } from '../../src/backlog/found-files.ts';
import { type Entry, foldersOf, type SpoolOrder, SpoolPath, sameIdentity } from '../../src/spool/entry.ts';

const ORDERS: readonly SpoolOrder[] = ['oldest-first', 'newest-first', 'smallest-first', 'name'];

const byName = (a: Entry, b: Entry) => (a.path.id < b.path.id ? -1 : a.path.id > b.path.id ? 1 : 0);
const byTime = (a: Entry, b: Entry) => Number(a.identity.mtimeNs - b.identity.mtimeNs);
const COMPARE: Readonly<Record<SpoolOrder, (a: Entry, b: Entry) => number>> = {
  'oldest-first': (a, b) => byTime(a, b) || byName(a, b),
  'newest-first': (a, b) => byTime(b, a) || byName(a, b),
  'smallest-first': (a, b) => a.identity.sizeBytes - b.identity.sizeBytes || byName(a, b),
  name: byName,
};

const name = fc
  .tuple(fc.constantFrom('', 'a/', 'a/b/', 'ä/'), fc.nat(30))
  .map(([folder, n]) => `${folder}${n}`);
const file: fc.Arbitrary<Entry> = fc
  .tuple(
    name,
    fc.nat(3),
    fc.constantFrom(-5_000_000_000n, -1n, 0n, 7n, 1n << 33n, 1_764_000_000_000_000_000n),
  )
  .map(([path, sizeBytes, mtimeNs]) => ({
    path: SpoolPath.from(path),
    identity: { dev: 1n, ino: 5n, sizeBytes, mtimeNs, ctimeNs: 1n },
    modifiedAtMs: Number(mtimeNs / 1_000_000n),
  }));
const files = fc.uniqueArray(file, { selector: ({ path }) => path.id, maxLength: 60 });

function foundOf(entry: Entry): FoundFiles {
  const found = new FoundFiles();
  const { sizeBytes, ...identity } = entry.identity;
  found.add(entry.path.bytes, { ...identity, size: BigInt(sizeBytes), uid: 0n });
  return found;
}

/** The index and a plain array that says what it must hold. */
class Twins {
  readonly index: FileIndex;
  readonly #order: SpoolOrder;
  #waiting: Entry[] = [];
  readonly out: Entry[] = [];

  constructor(order: SpoolOrder, bound: number) {
    this.index = new FileIndex(order, bound);
    this.#order = order;
  }

  /** As the backlog does: what is out stays so, and what has changed waits as it is now. */
  scan(found: readonly Entry[]): void {
    this.index.scanBegan();
    for (const entry of found) {
      const sighting = this.index.sighted(foundOf(entry), 0);
      const known = [...this.#waiting, ...this.out].find(({ path }) => path.id === entry.path.id);
      const expected =
        known === undefined ? 'new' : sameIdentity(known.identity, entry.identity) ? 'same' : 'changed';
      assert.equal(sighting, expected);
      if (sighting === 'same' || this.#isOut(entry)) continue;
      this.index.add(foundOf(entry), 0, 'waiting');
      this.#waiting = [...this.#without(entry.path), entry];
    }
    this.index.scanEnded();
    this.#waiting = this.#waiting.filter(({ path }) => found.some((each) => each.path.id === path.id));
    const left = this.out.filter(({ path }) => !found.some((each) => each.path.id === path.id));
    for (const entry of left) this.out.splice(this.out.indexOf(entry), 1);
  }

  take(accepts: (entry: Entry) => boolean, place: number): void {
    const sorted = this.#sorted();
    const skipped = Math.floor(place * sorted.length);
    const expected = [...sorted.slice(skipped), ...sorted.slice(0, skipped)].find(accepts);
    assert.deepEqual(place === 0 && this.index.find(accepts), place === 0 && expected);
    const taken = this.index.take(accepts, place);
    assert.deepEqual(taken, expected);
    if (taken === undefined) return;
    this.#waiting = this.#without(taken.path);
    this.out.push(taken);
  }

  giveBack(entry: Entry): void {
    this.index.put(entry);
    this.#waiting.push(entry);
  }

  forget({ path }: Entry): void {
    this.index.forget(path);
    this.#waiting = this.#without(path);
  }

  dropBelow(folder: string): void {
    const kept = this.#waiting.filter(({ path }) => !foldersOf(path).includes(folder));
    assert.equal(this.index.dropBelow(folder), this.#waiting.length - kept.length);
    this.#waiting = kept;
  }

  check(limit: number): void {
    assert.equal(this.index.size, this.#waiting.length);
    assert.deepEqual(this.index.first(limit), this.#sorted().slice(0, limit));
  }

  #isOut({ path }: Entry): boolean {
    return this.out.some((entry) => entry.path.id === path.id);
  }

  #without({ id }: SpoolPath): Entry[] {
    return this.#waiting.filter(({ path }) => path.id !== id);
  }

  #sorted(): Entry[] {
    return this.#waiting.toSorted(COMPARE[this.#order]);
  }
}

const steps = fc.array(
  fc.oneof(
    files.map((found) => (twins: Twins) => twins.scan(found)),
    fc.tuple(fc.nat(3), fc.constantFrom(0, 0, 0.3, 0.9)).map(([sizeBytes, place]) => (twins: Twins) => {
      twins.take(({ identity }) => identity.sizeBytes !== sizeBytes, place);
    }),
    fc.nat(5).map((at) => (twins: Twins) => {
      const [entry] = twins.out.splice(at, 1);
      if (entry !== undefined) twins.giveBack(entry);
    }),
    fc.nat(5).map((at) => (twins: Twins) => {
      const [entry] = twins.out.splice(at, 1);
      if (entry !== undefined) twins.forget(entry);
    }),
    file.map((entry) => (twins: Twins) => {
      if (!twins.out.some(({ path }) => path.id === entry.path.id)) twins.forget(entry);
    }),
    fc.constantFrom('', 'a/', 'a/b/').map((folder) => (twins: Twins) => twins.dropBelow(folder)),
    fc.nat(70).map((limit) => (twins: Twins) => twins.check(limit)),
  ),
  { maxLength: 60 },
);

test('the index holds what a sorted array would hold, whatever happens to the files', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ORDERS), steps, (order, run) => {
      const twins = new Twins(order, 1_000);
      for (const step of run) step(twins);
      twins.check(1_000);
    }),
    { numRuns: 300 },
  );
});

test('where too many files wait, the best are kept, and the others are counted', () => {
  fc.assert(
    fc.property(files, fc.constantFrom(...ORDERS), fc.integer({ min: 1, max: 20 }), (found, order, bound) => {
      const index = new FileIndex(order, bound);
      for (let scan = 0; scan < 2; scan += 1) {
        index.scanBegan();
        for (const entry of found)
          if (index.sighted(foundOf(entry), 0) === 'new') index.add(foundOf(entry), 0, 'waiting');
        index.scanEnded();
        const kept = index.first(index.size);
        assert.deepEqual(kept, found.toSorted(COMPARE[order]).slice(0, kept.length));
        assert.ok(kept.length <= bound && kept.length >= Math.min(found.length, Math.floor(bound * 0.75)));
        assert.equal(index.leftOut, found.length - kept.length);
      }
    }),
  );
});

test('memory that is left empty between files is given up, and nothing is lost by it', () => {
  const index = new FileIndex('name', 1_000_000);
  const count = 100_000;
  const nameOf = (n: number) => String(n).padStart(9, '0');
  const found = new FoundFiles();
  const scan = (step: number) => {
    index.scanBegan();
    for (let n = 0; n < count; n += step) {
      found.count = 0;
      const stats = { size: 1n, mtimeNs: BigInt(n), ctimeNs: 0n, ino: BigInt(n), dev: 1n, uid: 0n };
      found.add(Buffer.from(nameOf(n)), stats);
      if (index.sighted(found, 0) === 'new') index.add(found, 0, 'waiting');
    }
    index.scanEnded();
  };
  scan(1);
  const all = index.capacity;
  index.first(10);
  scan(100);
  assert.equal(index.size, count / 100);
  assert.ok(index.capacity < all / 4, `${index.capacity} of ${all} rows`);
  for (let n = 0; n < count; n += 100) assert.equal(`${index.take(() => true)?.path}`, nameOf(n));
  assert.equal(
    index.take(() => true),
    undefined,
  );
});

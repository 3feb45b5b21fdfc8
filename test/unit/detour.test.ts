// Where the next file is taken while files fail.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Detour } from '../../src/drain/detour.ts';

/** Takes files from a line of good and bad ones until 95 % of the good ones have passed; counts the bad ones tried by then. */
function badTried(line: string): number {
  const detour = new Detour();
  let left = line;
  let tried = 0;
  for (let more = line.replaceAll('b', '').length * 0.95; more > 0; ) {
    const place = detour.next();
    const at = Math.floor(place * left.length);
    if (left[at] === 'g') {
      detour.passed(place, 20_000);
      more -= 1;
    } else {
      detour.failed(place, 20_000);
      tried += 1;
    }
    left = left.slice(0, at) + left.slice(at + 1);
  }
  return tried;
}

test('takes the best file while nothing fails', () => {
  const detour = new Detour();
  detour.passed(0, 1_000);
  assert.deepEqual([detour.next(), detour.next()], [0, 0]);
});

for (const { what, line, most } of [
  { what: 'bad ones in front', line: 'b'.repeat(1_000) + 'g'.repeat(5_000), most: 260 },
  {
    what: 'bad ones in front and at the end',
    line: `${'b'.repeat(500)}${'g'.repeat(5_000)}${'b'.repeat(500)}`,
    most: 300,
  },
  {
    what: 'bad ones in the middle',
    line: `${'g'.repeat(2_500)}${'b'.repeat(1_000)}${'g'.repeat(2_500)}`,
    most: 200,
  },
  { what: 'one bad one', line: `b${'g'.repeat(100)}`, most: 1 },
]) {
  test(`passes by ${what}`, () => {
    const tried = badTried(line);
    assert.ok(tried <= most, `${tried} bad ones tried beside the good ones`);
  });
}

test('tries one of the best files when twenty times as much has passed, and the others once that one has passed', () => {
  const detour = new Detour();
  detour.failed(0, 100_000);
  for (let passed = 0; passed < 19; passed += 1) detour.passed(detour.next(), 100_000);
  assert.ok(detour.next() > 0.99);
  detour.passed(0.999, 100_000);
  assert.equal(detour.next(), 0);
  assert.ok(detour.next() > 0.99, 'one at a time');
  detour.passed(0, 100_000);
  assert.deepEqual([detour.next(), detour.next()], [0, 0]);
});

test('tries another one of the best files when nothing came of the first', () => {
  const detour = new Detour();
  detour.failed(0, 0);
  for (let passed = 0; passed < 20; passed += 1) detour.passed(0.999, 0);
  assert.equal(detour.next(), 0);
  detour.gaveBack(0);
  assert.equal(detour.next(), 0);
});

test('others that were taken at the same place tell nothing new when they fail, too', () => {
  const detour = new Detour();
  for (let failed = 0; failed < 5; failed += 1) detour.failed(0, 1_000);
  assert.ok(detour.next() > 0.99);
  for (let failed = 0; failed < 5; failed += 1) detour.failed(0.999, 1_000);
  assert.equal(detour.next().toFixed(3), '0.617');
});

test('tells of a run of bad files once, at the eighth, until one passes', () => {
  const detour = new Detour();
  const runs = (times: number) => Array.from({ length: times }, () => detour.failed(0, 0));
  assert.deepEqual(runs(9), [false, false, false, false, false, false, false, true, false]);
  detour.passed(0.999, 0);
  assert.deepEqual(runs(8).at(-1), true);
});

/** The best file has failed, and enough has passed elsewhere that the next one is tried. */
function trying(): { readonly detour: Detour; readonly aside: number } {
  const detour = new Detour();
  detour.failed(0, 0);
  const aside = detour.next();
  detour.passed(aside, 1_000_000);
  assert.equal(detour.next(), 0);
  return { detour, aside };
}

test('a request costs something, though its file is empty', () => {
  const detour = new Detour();
  detour.failed(0, 0);
  const aside = detour.next();
  for (let passed = 0; passed < 19; passed += 1) detour.passed(aside, 0);
  assert.equal(detour.next(), aside);
  detour.passed(aside, 0);
  assert.equal(detour.next(), 0);
});

test('a request that is much smaller than what passes costs more than its bytes', () => {
  const detour = new Detour();
  detour.failed(0, 0);
  detour.passed(detour.next(), 1_000);
  assert.ok(detour.next() > 0);
});

test('when the best file fails again, another one is tried in its time', () => {
  const { detour, aside } = trying();
  assert.equal(detour.next(), aside, 'one at a time');
  detour.failed(0, 0);
  assert.equal(detour.next(), aside);
  detour.passed(aside, 1_000_000);
  assert.equal(detour.next(), 0);
});

test('looks elsewhere when a file fails where others passed, and not for those that were taken there before', () => {
  const detour = new Detour();
  detour.failed(0, 0);
  const first = detour.next();
  detour.failed(first, 0);
  const second = detour.next();
  assert.notEqual(second, first);
  detour.failed(second, 0);
  const third = detour.next();
  detour.failed(first, 0);
  assert.equal(detour.next(), third);
});

test('only the best file that is being tried ends it: none from elsewhere, and none that was taken before', () => {
  const { detour, aside } = trying();
  detour.passed(aside, 0);
  assert.equal(detour.next(), aside);
  detour.gaveBack(aside);
  assert.equal(detour.next(), aside);
  detour.passed(0, 0);
  assert.equal(detour.next(), 0);
  assert.equal(detour.next(), 0);

  const other = new Detour();
  other.failed(0, 0);
  other.passed(0, 0);
  assert.ok(other.next() > 0);
});

test('one that fails elsewhere after all was well begins it anew, and the best file is tried again', () => {
  const { detour, aside } = trying();
  detour.passed(0, 0);
  detour.failed(aside, 0);
  detour.passed(detour.next(), 1_000_000);
  assert.equal(detour.next(), 0);
});

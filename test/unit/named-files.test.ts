import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamedFiles } from '../../src/log/named-files.ts';
import { SimClock } from '../support/sim-clock.ts';

const PERIOD_MS = 60_000;

function naming() {
  const clock = new SimClock();
  const named = new NamedFiles(clock, PERIOD_MS);
  const told: { latest: string; files: readonly string[]; repeats: number; atMs: number }[] = [];
  const note = (file: string, kind = 'EACCES') =>
    named.note(kind, file, ({ files, repeats }) =>
      told.push({ latest: file, files, repeats, atMs: clock.monotonicMs() }),
    );
  return { clock, named, told, note };
}

test('the first file is named at once, all others at the end of the period, each once', async () => {
  const { clock, told, note } = naming();
  const names = Array.from({ length: 400 }, (_, at) => `f${at}`);
  for (const name of [...names, ...names]) note(name);
  assert.deepEqual(told[0]?.files, ['f0']);
  await clock.advance(PERIOD_MS);
  assert.equal(told.length, 2);
  assert.deepEqual(told[1]?.files, names.slice(1));
  assert.equal(told[1]?.repeats, 799);
});

test('more names than a line holds are in the lines of the next periods, none is left out', async () => {
  const { clock, told, note } = naming();
  const names = Array.from({ length: 2_000 }, (_, at) => `file-${at}`);
  for (const name of names) note(name);
  for (let minute = 0; minute < 10; minute += 1) await clock.advance(PERIOD_MS);
  assert.deepEqual(told.flatMap(({ files }) => files).toSorted(), names.toSorted());
  assert.deepEqual(
    told.map(({ atMs }) => atMs),
    [0, 1, 2, 3, 4].map((minute) => minute * PERIOD_MS),
  );
});

test('long names make more lines, so that an entry of the journal holds them', async () => {
  const { clock, told, note } = naming();
  for (let at = 0; at < 50; at += 1) note(`${at}-`.padEnd(4_000, 'x'));
  for (let minute = 0; minute < 10; minute += 1) await clock.advance(PERIOD_MS);
  for (const { files } of told) assert.ok(files.join('').length <= 64 * 1024);
  assert.equal(told.flatMap(({ files }) => files).length, 50);
});

test('a file that was named is not named again while its kind lasts, and its failures are counted', async () => {
  const { clock, told, note } = naming();
  for (let second = 0; second < 130; second += 1) {
    note('a');
    await clock.advance(1_000);
  }
  assert.deepEqual(
    told.map(({ files, repeats }) => [files.length, repeats]),
    [
      [1, 0],
      [0, 59],
      [0, 60],
    ],
  );
});

test('a kind that was quiet for a period is news again', async () => {
  const { clock, told, note } = naming();
  note('a');
  await clock.advance(PERIOD_MS);
  note('a');
  assert.deepEqual(
    told.map(({ files }) => files),
    [['a'], ['a']],
  );
});

test('the end names what waits', () => {
  const { named, told, note } = naming();
  for (let at = 0; at < 1_200; at += 1) note(`f${at}`);
  named.stop();
  assert.equal(told.flatMap(({ files }) => files).length, 1_200);
});

test('names in memory are bounded, and so are kinds', async () => {
  const { named, told, note } = naming();
  for (let at = 0; at < 30_000; at += 1) note(`f${at}`);
  named.stop();
  assert.equal(told.flatMap(({ files }) => files).length, 20_001);
  const more = naming();
  for (let at = 0; at < 500; at += 1) more.note('a', `kind ${at}`);
  assert.equal(more.told.length, 65);
});

test('no more names wait than may, and what is left out is counted', async () => {
  const clock = new SimClock();
  const named = new NamedFiles(clock, PERIOD_MS, 3);
  const told: { files: readonly string[]; repeats: number }[] = [];
  for (let at = 0; at < 100; at += 1) named.note('EACCES', `f${at}`, (batch) => told.push(batch));
  await clock.advance(PERIOD_MS);
  assert.deepEqual(told, [
    { files: ['f0'], repeats: 0 },
    { files: ['f1', 'f2', 'f3'], repeats: 99 },
  ]);
});

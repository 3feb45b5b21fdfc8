// How link.timetable is written, in the file and in the environment.
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatRule, timetable } from '../../src/config/timetable-format.ts';

const OFFICE = { days: [1, 2, 3, 4, 5], fromMinute: 480, toMinute: 1080, share: 0.3 };

function entry(fields: Readonly<Record<string, unknown>> = {}): Map<string, unknown> {
  return new Map(Object.entries({ days: 'mon-fri', from: '08:00', to: '18:00', share: '30 %', ...fields }));
}

test('a rule is a map in the file and a line in the environment', () => {
  assert.deepEqual(timetable([entry()]), [OFFICE]);
  assert.deepEqual(timetable('mon-fri 08:00-18:00 30 %'), [OFFICE]);
  assert.equal(formatRule(OFFICE), 'mon,tue,wed,thu,fri 08:00-18:00 30 %');
  assert.deepEqual(timetable('mon-fri 08:00-18:00 30 %; sat,sun 22:00-06:00 80 %')[1], {
    days: [0, 6],
    fromMinute: 1320,
    toMinute: 360,
    share: 0.8,
  });
  assert.deepEqual(timetable(''), []);
  assert.deepEqual(timetable([]), []);
});

for (const { days, read } of [
  { days: 'daily', read: [0, 1, 2, 3, 4, 5, 6] },
  { days: 'fri-mon', read: [0, 1, 5, 6] },
  { days: ['sat', 'Sun'], read: [0, 6] },
  { days: 'mon, wed', read: [1, 3] },
])
  test(`days ${days} are ${read.join(', ')}`, () => {
    assert.deepEqual(timetable([entry({ days })])[0]?.days, read);
  });

test('midnight is 24:00 as an end and 00:00 as a beginning', () => {
  assert.equal(timetable([entry({ from: '18:00', to: '24:00' })])[0]?.toMinute, 1440);
  assert.equal(timetable([entry({ from: '18:00', to: '00:00' })])[0]?.toMinute, 1440);
  assert.equal(timetable([entry({ from: '00:00', to: '24:00' })])[0]?.fromMinute, 0);
});

for (const [fields, problem] of [
  [{ days: 'mondays' }, /entry 1 days must be daily, or days such as mon-fri/],
  [{ from: '8' }, /entry 1 from must be a time of day such as 08:00/],
  [{ to: '24:01' }, /entry 1 to must be a time of day/],
  [{ from: '18:00' }, /entry 1 must not end when it begins/],
  [{ share: '0 %' }, /entry 1 share must be above 0 %/],
  [{ shares: '1 %' }, /entry 1 has an unknown key, shares/],
] as const)
  test(`refuses ${JSON.stringify(fields)} and names the entry`, () => {
    assert.throws(() => timetable([entry(fields)]), problem);
  });

test('refuses what is no list, and an entry that is no map or lacks a key', () => {
  assert.throws(() => timetable(entry()), /must be a list such as/);
  assert.throws(() => timetable([5]), /entry 1 must be a map such as/);
  assert.throws(() => timetable([new Map([['from', '08:00']])]), /entry 1 needs to/);
  assert.throws(() => timetable('every day'), /must be entries such as mon-fri 08:00-18:00 30 %/);
});

// Which share holds when: half-open, by the local clock, over midnight, over the change of clocks.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findOverlap, scheduledShare, type TimetableRule } from '../../src/steer/timetable.ts';

const WORKDAYS = [1, 2, 3, 4, 5];
const DAILY = [0, 1, 2, 3, 4, 5, 6];

function rule(days: readonly number[], from: number, to: number, share = 0.3): TimetableRule {
  return { days, fromMinute: from * 60, toMinute: to * 60, share };
}

const at = (text: string): number => new Date(text).getTime();
const OFFICE = [rule(WORKDAYS, 8, 18)];

describe('scheduledShare', () => {
  const zone = process.env.TZ;
  before(() => {
    process.env.TZ = 'Europe/Berlin';
  });
  after(() => {
    // To delete the variable would not bring the zone back.
    process.env.TZ = zone ?? 'UTC';
  });

  it('holds from the first moment on, and no longer in the last', () => {
    const told = ['07:59:59.999', '08:00:00.000', '17:59:59.999', '18:00:00.000'].map(
      (time) => scheduledShare(OFFICE, at(`2026-11-26T${time}`)).share,
    );
    assert.deepEqual(told, [undefined, 0.3, 0.3, undefined]);
  });

  it('says when another share begins, over a weekend too', () => {
    assert.equal(scheduledShare(OFFICE, at('2026-11-26T09:00')).untilMs, at('2026-11-26T18:00'));
    assert.equal(scheduledShare(OFFICE, at('2026-11-27T18:00')).untilMs, at('2026-11-30T08:00'));
  });

  it('goes over midnight, and belongs to the day on which it begins', () => {
    const night = [rule([5], 22, 6, 0.8)];
    assert.equal(scheduledShare(night, at('2026-11-27T23:00')).share, 0.8);
    assert.equal(scheduledShare(night, at('2026-11-28T05:59')).share, 0.8);
    assert.equal(scheduledShare(night, at('2026-11-28T06:00')).share, undefined);
    assert.equal(scheduledShare(night, at('2026-11-27T05:00')).share, undefined);
    assert.equal(scheduledShare(night, at('2026-11-27T23:00')).untilMs, at('2026-11-28T06:00'));
  });

  it('passes from one rule to the next without a gap', () => {
    const day = [rule(DAILY, 8, 18), rule(DAILY, 18, 8, 0.8)];
    assert.deepEqual(
      ['17:59', '18:00', '03:00', '08:00'].map((time) => scheduledShare(day, at(`2026-11-26T${time}`)).share),
      [0.3, 0.8, 0.8, 0.3],
    );
  });

  it('never changes with one rule for all days, nor without rules', () => {
    assert.deepEqual(scheduledShare([rule(DAILY, 0, 24)], at('2026-11-26T12:00')), {
      share: 0.3,
      untilMs: undefined,
    });
    assert.deepEqual(scheduledShare([], at('2026-11-26T12:00')), { share: undefined, untilMs: undefined });
  });

  it('follows the wall clock when clocks are put back and forward', () => {
    const night = [rule(DAILY, 2, 3)];
    // 25 October 2026: 03:00 becomes 02:00. 28 March 2027: 02:00 becomes 03:00.
    assert.equal(scheduledShare(night, at('2026-10-25T02:30:00+02:00')).share, 0.3);
    assert.equal(scheduledShare(night, at('2026-10-25T02:30:00+01:00')).share, 0.3);
    assert.equal(scheduledShare(night, at('2026-10-25T03:00:00+01:00')).share, undefined);
    assert.equal(scheduledShare(night, at('2027-03-28T01:59:59+01:00')).share, undefined);
    assert.equal(scheduledShare(night, at('2027-03-28T03:00:00+02:00')).share, undefined);
  });
});

describe('findOverlap', () => {
  it('finds rules that share a minute, over midnight and over the end of the week', () => {
    assert.equal(findOverlap([rule([1], 8, 12), rule([1], 12, 14)]), undefined);
    assert.ok(findOverlap([rule([1], 8, 12), rule(DAILY, 11, 13)]));
    assert.ok(findOverlap([rule([1], 22, 6), rule([2], 5, 7)]));
    assert.ok(findOverlap([rule([6], 22, 6), rule([0], 5, 7)]));
    assert.equal(findOverlap([rule([6], 22, 6), rule([0], 6, 7)]), undefined);
  });
});

// Which share of the link is allowed at which time of the week.

/** Times of the local wall clock. The rule holds from `fromMinute` on and before `toMinute`. */
export interface TimetableRule {
  /** 0 is Sunday. The days on which the rule begins. */
  readonly days: readonly number[];
  /** Minutes since midnight: 0 ≤ from < 1440. */
  readonly fromMinute: number;
  /** 0 < to ≤ 1440. Not after `fromMinute`: the rule ends on the next day. */
  readonly toMinute: number;
  /** 0 < share ≤ 1. */
  readonly share: number;
}

export type Timetable = readonly TimetableRule[];

/** The share at one moment. */
export interface ScheduledShare {
  /** Undefined if no rule holds. */
  readonly share: number | undefined;
  /** When another share begins, in ms since 1970; undefined if that never happens. */
  readonly untilMs: number | undefined;
}

const DAY_MINUTES = 24 * 60;
const WEEK_DAYS = 7;

/**
 * Deterministic: the time is an argument, of the wall clock; the time zone is the process's. When
 * clocks are put back, an hour of the timetable comes twice; when they are put forward, it is left
 * out.
 */
export function scheduledShare(timetable: Timetable, wallMs: number): ScheduledShare {
  const share = ruleAt(timetable, wallMs)?.share;
  const change = changesAfter(timetable, wallMs).find((atMs) => ruleAt(timetable, atMs)?.share !== share);
  return { share, untilMs: change };
}

/** The first two rules that hold at the same time; undefined if there are none. */
export function findOverlap(timetable: Timetable): readonly [TimetableRule, TimetableRule] | undefined {
  for (const [at, rule] of timetable.entries())
    for (const other of timetable.slice(at + 1)) if (overlap(rule, other)) return [rule, other];
  return undefined;
}

function ruleAt(timetable: Timetable, wallMs: number): TimetableRule | undefined {
  const local = new Date(wallMs);
  const minute = local.getHours() * 60 + local.getMinutes();
  const today = local.getDay();
  const yesterday = (today + WEEK_DAYS - 1) % WEEK_DAYS;
  return timetable.find(({ days, fromMinute, toMinute }) => {
    if (fromMinute < toMinute) return days.includes(today) && fromMinute <= minute && minute < toMinute;
    return (days.includes(today) && fromMinute <= minute) || (days.includes(yesterday) && minute < toMinute);
  });
}

/** Every moment of the coming week at which a rule may begin or end, in order. */
function changesAfter(timetable: Timetable, wallMs: number): number[] {
  const now = new Date(wallMs);
  const minutes = new Set(timetable.flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute]));
  const moments: number[] = [];
  for (let day = 0; day <= WEEK_DAYS; day += 1)
    for (const minute of minutes)
      moments.push(new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, 0, minute).getTime());
  return moments.filter((atMs) => atMs > wallMs).sort((a, b) => a - b);
}

function overlap(one: TimetableRule, other: TimetableRule): boolean {
  return spansOf(one).some(([from, to]) =>
    spansOf(other).some(([otherFrom, otherTo]) => from < otherTo && otherFrom < to),
  );
}

/**
 * The rule's minutes of the week, as half-open spans. What is beyond the end of the week is put at
 * its start.
 */
function spansOf({ days, fromMinute, toMinute }: TimetableRule): (readonly [number, number])[] {
  const week = WEEK_DAYS * DAY_MINUTES;
  return days.flatMap((day) => {
    const from = day * DAY_MINUTES + fromMinute;
    const to = day * DAY_MINUTES + toMinute + (toMinute > fromMinute ? 0 : DAY_MINUTES);
    return to <= week ? [[from, to] as const] : [[from, week] as const, [0, to - week] as const];
  });
}

// What link.timetable may look like: a list of maps in the file, a line of text in the environment.
import type { Timetable, TimetableRule } from '../steer/timetable.ts';
import type { Format } from './formats.ts';
import { share } from './formats.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const KEYS = ['days', 'from', 'to', 'share'];
const EXAMPLE = '{ days: mon-fri, from: 08:00, to: 18:00, share: 30 % }';
const LINE = /^(\S+) (\S+?)-(\S+?) (.+)$/;

/** Does not look for overlaps; see combinations. */
export const timetable: Format<Timetable> = (value) => {
  if (typeof value === 'string')
    return value
      .split(/\s*;\s*/)
      .filter(Boolean)
      .map(lineRule);
  if (!Array.isArray(value)) throw new RangeError(`must be a list such as [${EXAMPLE}]`);
  return value.map((entry: unknown, index) => named(`entry ${index + 1} `, () => mapRule(entry)));
};

/** `mon-fri 08:00-18:00 30 %`, as in the environment. */
export function formatRule({ days, fromMinute, toMinute, share: part }: TimetableRule): string {
  const names = days.length === DAYS.length ? 'daily' : days.map((day) => DAYS[day]).join(',');
  return `${names} ${formatTime(fromMinute)}-${formatTime(toMinute)} ${Math.round(part * 1e4) / 100} %`;
}

function lineRule(line: string): TimetableRule {
  const [, days, from, to, part] = LINE.exec(line) ?? [];
  if (days === undefined)
    throw new RangeError('must be entries such as mon-fri 08:00-18:00 30 %, with ; between them');
  return named(`entry ${line} `, () => rule(days, from, to, part));
}

function mapRule(entry: unknown): TimetableRule {
  if (!(entry instanceof Map)) throw new RangeError(`must be a map such as ${EXAMPLE}`);
  const unknown = [...entry.keys()].find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new RangeError(`has an unknown key, ${unknown}: use ${KEYS.join(', ')}`);
  const missing = ['from', 'to', 'share'].find((key) => !entry.has(key));
  if (missing !== undefined) throw new RangeError(`needs ${missing}, such as ${EXAMPLE}`);
  return rule(entry.get('days') ?? 'daily', entry.get('from'), entry.get('to'), entry.get('share'));
}

function rule(days: unknown, from: unknown, to: unknown, part: unknown): TimetableRule {
  const [fromMinute, toMinute] = [named('from ', () => minuteOf(from)), named('to ', () => minuteOf(to))];
  if (fromMinute === 24 * 60) throw new RangeError('from must be before 24:00');
  if (toMinute === 0) return rule(days, from, '24:00', part);
  if (fromMinute === toMinute)
    throw new RangeError('must not end when it begins: a whole day is from: 00:00, to: 24:00');
  return { days: daysOf(days), fromMinute, toMinute, share: named('share ', () => share(part)) };
}

function daysOf(value: unknown): readonly number[] {
  if (value === 'daily') return EVERY_DAY;
  const words = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [];
  const days = words.flatMap((word) => daysIn(String(word).trim().toLowerCase()));
  if (days.length > 0 && !days.includes(-1)) return [...new Set(days)].sort((a, b) => a - b);
  throw new RangeError(`days must be daily, or days such as mon-fri or sat,sun: ${DAYS.join(', ')}`);
}

/** A day, or a range such as fri-mon. [-1]: neither. */
function daysIn(word: string): number[] {
  const [first = -1, last = first, ...rest] = word.split('-').map(dayOf);
  if (first < 0 || last < 0 || rest.length > 0) return [-1];
  const length = ((last - first + DAYS.length) % DAYS.length) + 1;
  return Array.from({ length }, (_, index) => (first + index) % DAYS.length);
}

function dayOf(name: string): number {
  return DAYS.indexOf(name as (typeof DAYS)[number]);
}

/** YAML 1.1 readers take 08:00 for a number; ours gives text. */
function minuteOf(value: unknown): number {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(typeof value === 'string' ? value : '') ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) < 60 && minute <= 24 * 60) return minute;
  throw new RangeError('must be a time of day such as 08:00, at most 24:00');
}

function formatTime(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`${name}${error.message}`) : error;
  }
}

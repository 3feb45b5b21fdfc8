// One record as one line, for programs (JSON) or for people (text), harmless whatever the fields
// contain.
import { printable } from '../system/printable.ts';

/**
 * `text` is for a terminal; `journal-text` leaves out what the journal keeps itself, the time and
 * the priority.
 */
export type LineForm = 'json' | 'text' | 'journal-text';

/** sd-daemon(3): SD_CRIT … SD_DEBUG. */
const PRIORITY: Readonly<Record<string, number>> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7 };

/** Fields a person does not need beside the message, or that need many lines. */
const MACHINE_ONLY = new Set(['level', 'time', 'msg', 'event', 'stack']);

/** A level as syslog's priority, 0 to 7. */
export function priorityOf(level: string): number {
  return PRIORITY[level] ?? 6;
}

/** The `<N>` by which journald knows a line's priority. */
export function journalPrefix(level: string): string {
  return `<${priorityOf(level)}>`;
}

/**
 * What people read where every field is at hand in another place: the message, and what to do about
 * it.
 */
export function renderMessage({ msg, event, hint }: Readonly<Record<string, unknown>>): string {
  const message = String(msg ?? event ?? '');
  const advice = typeof hint === 'string' && !message.includes(hint) ? ` (${hint})` : '';
  return printable(message + advice);
}

/**
 * `record` as pino wrote it: JSON with `level`, `time` (ISO 8601) and `msg`. The line has no line
 * feed.
 */
export function renderLine(form: LineForm, record: string): string {
  return form === 'json' ? harmlessJson(record) : textLine(form, JSON.parse(record));
}

/**
 * JSON itself leaves C1, bidirectional and line-separator characters as they are; as `\uXXXX` it
 * means the same.
 */
function harmlessJson(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

function textLine(form: 'text' | 'journal-text', record: Record<string, unknown>): string {
  const level = String(record.level);
  const message = String(record.msg ?? record.event ?? '');
  const words = form === 'text' ? [clockTime(String(record.time)), level.toUpperCase().padEnd(5)] : [];
  words.push(printable(message));
  // The message of an ordinary event is the whole story; of trouble, people want every detail it
  // does not tell.
  if (level !== 'info') {
    const details = Object.entries(record).filter(([name, value]) => tells(name, value, message));
    if (details.length > 0)
      words.push('', details.map(([name, value]) => `${printable(name)}=${textValue(value)}`).join(' '));
  }
  return words.join(' ');
}

function tells(name: string, value: unknown, message: string): boolean {
  if (MACHINE_ONLY.has(name) || value === null) return false;
  return !(typeof value === 'string' && message.includes(value));
}

function textValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(typeof value === 'string' && !/^[^\s"=]+$/u.test(text) ? JSON.stringify(text) : text);
}

/** Local time of day: who reads a terminal knows the date. */
function clockTime(isoTime: string): string {
  const at = new Date(isoTime);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

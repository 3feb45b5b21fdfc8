// Renders one record as one line, as JSON for programs or as text for people. Whatever the fields
// contain, the line is safe to print.
import { isPlainAscii, printable } from '../system/printable.ts';

/**
 * `text` is for a terminal. `journal-text` leaves out the time and the priority, which the journal
 * keeps itself.
 */
export type LineForm = 'json' | 'text' | 'journal-text';

/** sd-daemon(3): SD_CRIT to SD_DEBUG. */
const PRIORITY: Readonly<Record<string, number>> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7 };

/** Fields that a reader does not need in addition to the message, or that need many lines. */
const MACHINE_ONLY = new Set(['level', 'time', 'msg', 'event', 'stack']);

/** A level as a syslog priority, 0 to 7. */
export function priorityOf(level: string): number {
  return PRIORITY[level] ?? 6;
}

/** The prefix `<N>` from which journald reads a line's priority. */
export function journalPrefix(level: string): string {
  return `<${priorityOf(level)}>`;
}

/** The text for places where the fields are shown separately: the message and the hint. */
export function renderMessage({ msg, event, hint }: Readonly<Record<string, unknown>>): string {
  const message = String(msg ?? event ?? '');
  const advice = typeof hint === 'string' && !message.includes(hint) ? ` (${hint})` : '';
  return printable(message + advice);
}

/**
 * `record` is JSON as pino wrote it, with `level`, `time` (ISO 8601) and `msg`. The returned line
 * has no line feed.
 */
export function renderLine(form: LineForm, record: string): string {
  return form === 'json' ? harmlessJson(record) : textLine(form, JSON.parse(record));
}

/**
 * JSON leaves C1, bidirectional and line-separator characters as they are. Written as `\uXXXX`,
 * they mean the same.
 */
function harmlessJson(json: string): string {
  if (isPlainAscii(json)) return json;
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
  // The message of a normal event is enough. If there is trouble, the line adds every detail that
  // the message does not contain.
  if (level !== 'info') {
    const details = Object.entries(record).filter(([name, value]) => tells(name, value, message));
    if (details.length > 0)
      words.push('', details.map(([name, value]) => `${printable(name)}=${textValue(value)}`).join(' '));
  }
  return words.join(' ');
}

function tells(name: string, value: unknown, message: string): boolean {
  if (MACHINE_ONLY.has(name) || value === null) return false;
  // The message names some of many files; the journal and JSON have all.
  if (name === 'file' && Array.isArray(value)) return false;
  return !(typeof value === 'string' && message.includes(value));
}

function textValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(typeof value === 'string' && !/^[^\s"=]+$/u.test(text) ? JSON.stringify(text) : text);
}

/** Local time of day. A reader at a terminal knows the date. */
function clockTime(isoTime: string): string {
  const at = new Date(isoTime);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

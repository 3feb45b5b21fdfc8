// Turns a log record into an entry of journald's own protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): the message for people, and each field of the
// record as a journal field with the prefix `HALFPIPE_`.
// Invariant: each value is sent with its length, so that no value, whatever a file is called, can
// end its field and begin another.
import { priorityOf, renderMessage } from './log-line.ts';

/** journald drops fields with longer names. */
const NAME_CHARS_MAX = 64;
/** The names that were asked for: about a hundred. */
const fieldNames = new Map<string, string>();
const FIELD_NAMES_MAX = 1_000;
/** The journal has its own fields for these. */
const TOLD = new Set(['level', 'time', 'msg']);

/**
 * `record` is the parsed record that pino wrote. `pid` is ours, because the journal records the
 * sender's.
 */
export function journalEntry(record: Readonly<Record<string, unknown>>, pid: number): Buffer {
  const own = Object.entries(record).filter(([name, value]) => !TOLD.has(name) && value !== null);
  const fields: (readonly [string, string])[] = [
    ['MESSAGE', renderMessage(record)],
    ['PRIORITY', String(priorityOf(String(record.level)))],
    ['SYSLOG_IDENTIFIER', 'halfpipe'],
    ['SYSLOG_PID', String(pid)],
    ...own.flatMap(([name, value]) =>
      valuesOf(name, value).map((one) => [fieldName(name), fieldValue(one)] as const),
    ),
  ];
  return encode(fields);
}

/**
 * An entry may have a field several times. So each file is found by its name, also if one entry
 * names many.
 */
function valuesOf(name: string, value: unknown): readonly unknown[] {
  return name === 'file' && Array.isArray(value) ? value : [value];
}

/**
 * `durationMs` becomes `HALFPIPE_DURATION_MS`. journald accepts only capital letters, digits and
 * underscores.
 */
function fieldName(name: string): string {
  const known = fieldNames.get(name);
  if (known !== undefined) return known;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
  const made = `HALFPIPE_${words.replaceAll(/[^A-Z0-9]+/g, '_')}`.slice(0, NAME_CHARS_MAX);
  if (fieldNames.size < FIELD_NAMES_MAX) fieldNames.set(name, made);
  return made;
}

function fieldValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A field is its name, a line feed, the value's length in eight bytes (little-endian), the value,
 * and a line feed.
 */
function encode(fields: readonly (readonly [string, string])[]): Buffer {
  const sizes = fields.map(([name, value]) => name.length + 10 + Buffer.byteLength(value));
  const entry = Buffer.alloc(sizes.reduce((sum, bytes) => sum + bytes, 0));
  let at = 0;
  for (const [name, value] of fields) {
    const length = at + entry.write(`${name}\n`, at);
    at = length + 8 + entry.write(value, length + 8);
    entry.writeUInt32LE(at - length - 8, length);
    at += entry.write('\n', at);
  }
  return entry;
}

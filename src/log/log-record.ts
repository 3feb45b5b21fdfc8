// Makes plain what a caller passed to the log: strings, numbers, booleans and small trees of them,
// bounded in size, without error objects and without secrets. Everything that is logged passes
// here.

import { isSecretField, type Redact } from '../system/redact.ts';
import { faultFields } from './fault-fields.ts';

export type LogFields = Readonly<Record<string, unknown>>;

// journald cuts lines at 48 KiB (LineMax= in journald.conf(5)), and the rest would become a line
// without a priority.
const TEXT_CHARS_MAX = 4096;
const DEPTH_MAX = 4;
const ITEMS_MAX = 32;
/** Names of files, which are all kept, because people search for them. */
const FILES_MAX = 512;

/**
 * The fields of one record. An Error among them is spread into flat fields; a field that was given
 * by name wins over those.
 */
export function plainFields(fields: LogFields, redact: Redact): Record<string, unknown> {
  const spread: Record<string, unknown> = {};
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) Object.assign(spread, faultFields(value));
    else given[name] = value;
  }
  // `given` comes first for the order of the fields, and again last for their values.
  return plainObject({ ...given, ...spread, ...given }, redact, 0);
}

export function plainText(text: string, redact: Redact): string {
  // Takes twice the limit before redaction, because a secret that was cut would no longer look like
  // one.
  const clean = redact(text.slice(0, 2 * TEXT_CHARS_MAX));
  return clean.length > TEXT_CHARS_MAX ? `${clean.slice(0, TEXT_CHARS_MAX)}…` : clean;
}

function plainValue(value: unknown, redact: Redact, depth: number): unknown {
  if (typeof value === 'string') return plainText(value, redact);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) return plainItems(value.slice(0, ITEMS_MAX), redact, depth);
  if (value instanceof Error) return plainObject(faultFields(value), redact, depth + 1);
  // Objects that render themselves, such as a SpoolPath or a URL.
  if (typeof value.toString === 'function' && value.toString !== Object.prototype.toString)
    return plainText(String(value), redact);
  return plainObject(value, redact, depth + 1);
}

function plainItems(items: readonly unknown[], redact: Redact, depth: number): unknown[] {
  return items.map((item) => plainValue(item, redact, depth + 1));
}

function plainObject(value: object, redact: Redact, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value).slice(0, ITEMS_MAX)) {
    const plainName = plainText(name, redact);
    if (isSecretField(name)) plain[plainName] = '[redacted]';
    else if (name === 'file' && Array.isArray(item))
      plain[plainName] = plainItems(item.slice(0, FILES_MAX), redact, depth);
    else plain[plainName] = plainValue(item, redact, depth);
  }
  return plain;
}

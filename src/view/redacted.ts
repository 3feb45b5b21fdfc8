// An answer for another process, without what looks like a secret.
import type { Redact } from '../system/redact.ts';

/** JSON on one line. */
export function redacted(value: unknown, redact: Redact): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? redact(part) : part));
}

// A snapshot for another process, without what looks like a secret.
import type { Redact } from '../system/redact.ts';
import type { Snapshot } from './snapshot.ts';

/** JSON on one line. */
export function redacted(snapshot: Snapshot, redact: Redact): string {
  return JSON.stringify(snapshot, (_, value) => (typeof value === 'string' ? redact(value) : value));
}

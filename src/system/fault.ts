// What went wrong, in one shape: the operation, what it was done to, the cause, a hint for the
// operator, and one class that decides what happens next. Raised at the edges, decided on in drain,
// logged once there.

/**
 * Unless a fault is local, the store is to blame when it refuses a tiny object of our own as well:
 * then the whole drain pauses, whatever the class. Otherwise:
 * - `transient`: the file is deferred and tried again with backoff.
 * - `breaker`: a fault of the store or its settings that is never a file's; the file is tried again
 *   with backoff.
 * - `file`: this file needs a human; it is quarantined, the rest goes on.
 * - `blocked`: this file cannot be read or removed now; it stays where it is, is reported once and
 *   tried slowly.
 * - `changed`: the file changed or went away under us; it is looked at again from the start.
 * - `unknown`: deferred loudly, quarantined after `retry.maxAttempts`.
 */
export type FaultClass = 'transient' | 'breaker' | 'file' | 'blocked' | 'changed' | 'unknown';

export interface FaultDetails {
  /** What was attempted, in a few words: `put object`, `open spool`. */
  readonly operation: string;
  /** The file, key, bucket or setting it was attempted on. */
  readonly subject: string;
  /** What the operator can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** This machine raised it, not the store: it says nothing about the store. */
  readonly isLocal?: boolean;
  /** The server asked to be left alone for this long. */
  readonly retryAfterMs?: number;
  /**
   * Short machine-readable reason, such as an errno (`EACCES`) or an S3 error name
   * (`NoSuchBucket`).
   */
  readonly code?: string;
}

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly faultClass: FaultClass;
  readonly operation: string;
  readonly subject: string;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly code: string | undefined;
  readonly isLocal: boolean;

  constructor(faultClass: FaultClass, message: string, details: FaultDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.faultClass = faultClass;
    this.operation = details.operation;
    this.subject = details.subject;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
    this.code = details.code;
    this.isLocal = details.isLocal ?? false;
  }
}

/** Something failed that is tried again by itself. */
export interface RecurringFault {
  readonly kind: 'fault';
  /** What was attempted, in a few words. */
  readonly operation: string;
  readonly error: unknown;
}

/** The same fault, with what was found out about it since. */
export function amended(fault: Fault, changes: { faultClass?: FaultClass; hint?: string }): Fault {
  const { operation, subject, cause, code, retryAfterMs } = fault;
  const hint = changes.hint ?? fault.hint;
  return new Fault(changes.faultClass ?? fault.faultClass, fault.message, {
    operation,
    subject,
    ...(cause === undefined ? {} : { cause }),
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The errno name of a system error (`ENOENT`, `EACCES`, …), or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What happened and what to do about it, in a line for people: the one way to join the two. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return withHint(message, error instanceof Fault ? error.hint : undefined);
}

/** A hint that the message holds already is not said twice. */
export function withHint(message: string, hint: string | undefined): string {
  if (hint === undefined || message.includes(hint)) return message;
  return `${message.replace(/\.$/, '')}. ${hint}`;
}

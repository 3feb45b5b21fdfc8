// One shape for everything that goes wrong: operation, subject, cause, hint for the operator, and
// one class that decides what happens next. Raised at the edges, judged in the drain, logged once.

/**
 * What happens next. Unless a fault is local, the store is to blame when it also refuses a tiny
 * object of our own; then the whole drain pauses, whatever the class. Otherwise:
 * - `transient`: the file is deferred and tried again with backoff.
 * - `breaker`: the store or its settings are at fault, never a file. The file is tried again with
 *   backoff.
 * - `file`: this file needs a human. It is quarantined, and the others continue.
 * - `blocked`: this file cannot be read or removed now. It stays, is reported once and is tried
 *   seldom.
 * - `changed`: the file changed or disappeared. It has to settle again.
 * - `unknown`: the file is deferred, and quarantined after `retry.maxAttempts`.
 */
export type FaultClass = 'transient' | 'breaker' | 'file' | 'blocked' | 'changed' | 'unknown';

export interface FaultDetails {
  /** What was attempted, in a few words: `put object`, `open spool`. */
  readonly operation: string;
  /** The file, key, bucket or setting that it was attempted on. */
  readonly subject: string;
  /** What the operator can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** True if this machine raised the fault. It then says nothing about the store. */
  readonly isLocal?: boolean;
  /** The server asked for a pause of this length. */
  readonly retryAfterMs?: number;
  /** The store works, and asks for fewer requests. */
  readonly asksForFewer?: boolean;
  /** The answer to an earlier try was lost, so the store may have taken the object. */
  readonly mayBeStored?: boolean;
  /** A short reason for programs: an errno (`EACCES`) or an S3 error name (`NoSuchBucket`). */
  readonly code?: string;
}

/**
 * An error with an operation, a subject and a class. The message is one line for the operator,
 * without the hint.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly faultClass: FaultClass;
  readonly operation: string;
  readonly subject: string;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly code: string | undefined;
  readonly isLocal: boolean;
  readonly asksForFewer: boolean;
  readonly mayBeStored: boolean;

  constructor(faultClass: FaultClass, message: string, details: FaultDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.faultClass = faultClass;
    this.operation = details.operation;
    this.subject = details.subject;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
    this.code = details.code;
    this.isLocal = details.isLocal ?? false;
    this.asksForFewer = details.asksForFewer ?? false;
    this.mayBeStored = details.mayBeStored ?? false;
  }
}

/** Work that failed and is repeated without further action. */
export interface RecurringFault {
  readonly kind: 'fault';
  /** What was attempted, in a few words. */
  readonly operation: string;
  readonly error: unknown;
}

/** Returns the same fault, with what was found out about it since. */
export function amended(fault: Fault, changes: { faultClass?: FaultClass; hint?: string }): Fault {
  const { operation, subject, cause, code, retryAfterMs, asksForFewer, mayBeStored } = fault;
  const hint = changes.hint ?? fault.hint;
  return new Fault(changes.faultClass ?? fault.faultClass, fault.message, {
    ...{ operation, subject, asksForFewer, mayBeStored },
    ...(cause === undefined ? {} : { cause }),
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The errno name of a system error (`ENOENT`, `EACCES`); undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What happened and what to do, in one line: the only way in which message and hint are joined. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return withHint(message, error instanceof Fault ? error.hint : undefined);
}

/** The message without the hint, where it ends with the hint in parentheses. */
export function withoutHint({
  message,
  hint,
}: {
  readonly message: string;
  readonly hint?: string | undefined;
}): string {
  const end = ` (${hint})`;
  return hint !== undefined && message.endsWith(end) ? message.slice(0, -end.length) : message;
}

/** Adds the hint, unless the message already contains it. */
export function withHint(message: string, hint: string | undefined): string {
  if (hint === undefined || message.includes(hint)) return message;
  return `${message.replace(/\.$/, '')}. ${hint}`;
}

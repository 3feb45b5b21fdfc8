// Turns whatever the SDK or Node.js throws into a Fault whose class decides what happens next. It
// looks at names, codes and the HTTP status, never at the message, whose wording differs between
// stores and versions.
import { Fault } from '../../system/fault.ts';
import { printable } from '../../system/printable.ts';
import { CONNECT_KIND, KINDS_BY_CODE, TLS_CODE, TLS_KIND } from './connection-kinds.ts';
import {
  type FailureKind,
  FILE_TOO_LARGE,
  HTTP_CODE,
  HTTP_KIND,
  KINDS_BY_NAME,
  KMS_DECRYPT_KIND,
  KMS_KIND,
  KMS_NAME,
  kindOfStatus,
  OBJECT_TOO_LARGE,
} from './failure-kinds.ts';

/** The longest pause that a store can ask for. */
const RETRY_AFTER_MS_MAX = 15 * 60_000;

/**
 * The parts of an error that say what happened. All are optional, because anything can be thrown.
 */
interface Evidence {
  readonly name: string | undefined;
  readonly code: string | undefined;
  readonly syscall: unknown;
  readonly status: number | undefined;
}

/**
 * Returns a Fault unchanged. `wallMs` is the wall clock, for a Retry-After that names a date. An
 * abort is not a failure: check the signal before you call this.
 */
export function classify(
  error: unknown,
  operation: string,
  subject: string,
  wallMs: number,
  usesKms = false,
): Fault {
  if (error instanceof Fault) return error;
  const evidence = evidenceOf(error);
  const kind = kindIn(operation, evidence, usesKms) ?? kindOf(evidence, error);
  const { faultClass, hint, asksForFewer = false } = kind ?? { faultClass: 'unknown' as const };
  const retryAfterMs = retryAfterOf(error, wallMs);
  const code = reasonOf(evidence);
  const status = evidence.status === undefined ? '' : ` (HTTP ${evidence.status})`;
  const said = error instanceof Error ? wordsOf(error) : '';
  return new Fault(
    faultClass,
    `${operation} failed: ${code ?? 'unknown error'}${status}${said ? `: ${said}` : ''}`,
    {
      operation,
      subject: printable(subject),
      cause: error,
      asksForFewer,
      mayBeStored: operation === 'put object' && attemptsOf(error) > 1,
      ...(hint === undefined ? {} : { hint }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(code === undefined ? {} : { code }),
    },
  );
}

/** See RetryWithinSdk for what is tried twice. */
function attemptsOf(error: unknown): number {
  return Number(field(field(error, '$metadata'), 'attempts') ?? 1);
}

/** The HTTP status of a store's answer; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  const metadata = field(error, '$metadata');
  const status = field(metadata, 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}

/** The failure's name in S3's or the SDK's words. */
export function nameOf(error: unknown): string | undefined {
  const name = field(error, 'name');
  return typeof name === 'string' ? name : undefined;
}

/** The text that the error carries under `name`. */
export function textOf(error: unknown, name: string): string | undefined {
  const text = field(error, name);
  return typeof text === 'string' ? text : undefined;
}

/**
 * The store's time from the refusal of a signature, else from the answer's Date header.
 * Milliseconds since the epoch.
 */
export function serverTimeOf(error: unknown): number | undefined {
  const said = field(error, 'ServerTime') ?? field(field(field(error, '$response'), 'headers'), 'date');
  const ms = said instanceof Date ? said.getTime() : Date.parse(String(said));
  return Number.isNaN(ms) ? undefined : ms;
}

function evidenceOf(error: unknown): Evidence {
  const code = field(error, 'code');
  return {
    name: nameOf(error),
    code: typeof code === 'string' ? code : undefined,
    syscall: field(error, 'syscall'),
    status: statusOf(error),
  };
}

/**
 * The first line, printable, without OpenSSL's source location and without a final full stop,
 * because more text follows.
 */
function wordsOf({ message }: Error): string {
  const line = message
    .replace(/:[^\s:]+\.c:\d+:/, '')
    .replace(/\n.*/s, '')
    // Node's advice is for its own command line.
    .replace(/;? *(if the root CA is installed locally, )?try running Node\.js with --use-system-ca.*/i, '')
    .replace(/^@[\w-]+\/[\w-]+ - /, '');
  // The SDK's words for an answer without any.
  return line === 'UnknownError' ? '' : printable(line).slice(0, 300).replace(/\.+$/, '');
}

/** Answers that mean something else in one operation. */
function kindIn(operation: string, { name, status }: Evidence, usesKms: boolean): FailureKind | undefined {
  if (operation === 'complete multipart upload' && name === 'EntityTooLarge') return OBJECT_TOO_LARGE;
  if (operation === 'put object' && (name === 'EntityTooLarge' || status === 413)) return FILE_TOO_LARGE;
  if (usesKms && IN_PARTS.has(operation) && name === 'AccessDenied') return KMS_DECRYPT_KIND;
  return undefined;
}

/** S3 has to decrypt the parts to join them (aws/aws-cli#4251). */
const IN_PARTS = new Set(['begin multipart upload', 'upload part', 'complete multipart upload']);

function kindOf(evidence: Evidence, error: unknown): FailureKind | undefined {
  const { name, code, syscall, status } = evidence;
  // NodeHttpHandler renames broken connections to TimeoutError; the code is more exact.
  if (code !== undefined) {
    const kind = lookUp(KINDS_BY_CODE, code);
    if (kind !== undefined) return kind;
    if (syscall === 'connect') return CONNECT_KIND;
    if (TLS_CODE.test(code)) return TLS_KIND;
    if (HTTP_CODE.test(code)) return HTTP_KIND;
  }
  // A 200 or 5xx may carry a name. The name is what the store says.
  if (name !== undefined) {
    const kind = lookUp(KINDS_BY_NAME, name);
    if (kind !== undefined) return kind;
    if (KMS_NAME.test(name)) return KMS_KIND;
  }
  if (status !== undefined) return kindOfStatus(status);
  // Connecting to both address families at once fails with one error for all addresses.
  return error instanceof AggregateError ? kindOf(evidenceOf(error.errors[0]), undefined) : undefined;
}

function lookUp(kinds: Readonly<Record<string, FailureKind>>, name: string): FailureKind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}

/** The most telling short name. For HEAD, `Unknown` says less than the status. */
function reasonOf({ name, code, status }: Evidence): string | undefined {
  const vague = name === undefined || name === 'Error' || name === 'UnknownError' || name === 'Unknown';
  if (code !== undefined) return code;
  if (!vague) return name;
  return status === undefined ? undefined : `Http${status}`;
}

function retryAfterOf(error: unknown, wallMs: number): number | undefined {
  const value = field(field(field(error, '$response'), 'headers'), 'retry-after');
  if (typeof value !== 'string') return undefined;
  const delayMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - wallMs;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(0, delayMs), RETRY_AFTER_MS_MAX);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

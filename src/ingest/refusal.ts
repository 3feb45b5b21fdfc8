// A request that is refused: which of the known problems it is, and what its client and the
// operator are told (RFC 9457).
import type { SpoolPath } from '../spool/entry.ts';
import { NOT_A_FOLDER, STILL_WRITTEN } from '../spool/spool-fault.ts';
import { explain, Fault } from '../system/fault.ts';
import { type ProblemKind, REFUSALS } from './problem-kind.ts';

/** The `type` of a problem is this and its kind. It names a problem and leads nowhere. */
export const PROBLEM_TYPE = 'urn:halfpipe:problem:';

/** A producer that was asked to wait tries again after this time, unless a kind says otherwise. */
const RETRY_AFTER_SEC: Readonly<Partial<Record<ProblemKind, number>>> = {
  'backlog-full': 10,
  busy: 1,
  'in-use': 1,
  'disk-full': 10,
  'no-room': 10,
  'spool-unavailable': 10,
  'tokens-unreadable': 10,
};

/** A list is sent as several lines. */
export type RefusalHeaders = Readonly<Record<string, string | string[]>>;

export interface RefusalDetails {
  readonly headers?: RefusalHeaders;
  /** What the operator has to see and the client has not. */
  readonly cause?: unknown;
}

/** An error that is the answer. `detail` names the remedy. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: ProblemKind;
  readonly headers: RefusalHeaders;

  constructor(kind: ProblemKind, detail: string, { headers = {}, cause }: RefusalDetails = {}) {
    super(detail, cause === undefined ? undefined : { cause });
    this.kind = kind;
    const seconds = RETRY_AFTER_SEC[kind];
    this.headers = seconds === undefined ? headers : { 'Retry-After': `${seconds}`, ...headers };
  }

  get status(): number {
    return REFUSALS[this.kind].status;
  }

  /** The body of the answer: problem details in JSON. */
  get body(): string {
    const { status, title } = REFUSALS[this.kind];
    const type = `${PROBLEM_TYPE}${this.kind}`;
    return `${JSON.stringify({ type, title, status, detail: this.message })}\n`;
  }

  /** The detail with its cause, in one line. */
  get story(): string {
    return this.cause === undefined ? this.message : `${this.message} (${explain(this.cause)})`;
  }
}

/** The answer while the door closes. */
export function stopping(): Refusal {
  return new Refusal('busy', 'halfpipe is stopping: try again in a few seconds');
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Others use the file. Without a code, the spool has seen it change again and again. */
const IN_USE = new Set(['', STILL_WRITTEN, 'EBUSY', 'ETXTBSY', 'EAGAIN']);
/** Something below the spool belongs to others, or is another file system. */
const NO_ACCESS = new Set(['EACCES', 'EPERM', 'EXDEV', 'ENOKEY']);

/**
 * The answer to a request for `path` that the spool could not take. Other errors are returned
 * unchanged. Only a fault of more than this file is a fault of the spool.
 */
export function refusalOf(error: unknown, path: SpoolPath): unknown {
  if (!(error instanceof Fault)) return error;
  const refused = (kind: ProblemKind, detail: string) => new Refusal(kind, detail, { cause: error });
  const { code = '', faultClass } = error;
  if (FULL.has(code))
    return refused('disk-full', 'The disk is full: try again when files have been uploaded');
  if (code === NOT_A_FOLDER)
    return refused('name-taken', 'A folder of the path is a file or a link in the spool: use another path');
  if (code === 'ENAMETOOLONG')
    return new Refusal('bad-name', "The name is too long for the spool's file system: use a shorter name");
  if (error.subject === `${path}`) {
    if (faultClass === 'changed' || (faultClass === 'transient' && IN_USE.has(code)))
      return refused('in-use', 'The file under this name is changing: try again in a second');
    // Without a folder, the spool itself is what may not be written to.
    if (NO_ACCESS.has(code) && path.id.includes('/'))
      return refused('no-access', 'halfpipe has no access to this path: use another, or ask the operator');
  }
  return refused('spool-unavailable', 'The spool cannot be used now: the log of halfpipe says why');
}

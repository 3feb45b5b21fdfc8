// A request that is refused: which of the known problems it is, and what its client and the
// operator are told (RFC 9457).
import { explain, Fault } from '../system/fault.ts';
import { type ProblemKind, REFUSALS } from './problem-kind.ts';

/** The `type` of a problem is this and its kind. It names a problem and leads nowhere. */
export const PROBLEM_TYPE = 'urn:halfpipe:problem:';

/** A producer that was asked to wait tries again after this time, unless a kind says otherwise. */
const RETRY_AFTER_SEC: Readonly<Partial<Record<ProblemKind, number>>> = {
  'backlog-full': 10,
  busy: 1,
  'spool-unavailable': 10,
  'tokens-unreadable': 10,
};

export interface RefusalDetails {
  readonly headers?: Readonly<Record<string, string>>;
  /** What the operator has to see and the client has not. */
  readonly cause?: unknown;
}

/** An error that is the answer. `detail` names the remedy. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: ProblemKind;
  readonly headers: Readonly<Record<string, string>>;

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
/** No errno, but the word of the spool for a path that leads through a file or a link. */
const NOT_A_FOLDER = 'not-a-folder';

/** The answer to an upload that the spool could not take. Other errors are returned unchanged. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  const { code = '' } = error;
  if (FULL.has(code))
    return new Refusal('disk-full', 'The disk is full: try again when files have been uploaded', {
      cause: error,
    });
  if (code === NOT_A_FOLDER)
    return new Refusal(
      'name-taken',
      'A folder of the path is a file or a link in the spool: use another path',
      {
        cause: error,
      },
    );
  if (code === 'ENAMETOOLONG')
    return new Refusal('bad-name', "The name is too long for the spool's file system: use a shorter name");
  return new Refusal('spool-unavailable', 'The spool cannot be used now: the log of halfpipe says why', {
    cause: error,
  });
}

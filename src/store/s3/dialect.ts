// What one store takes and honours, learnt from its answers, for each kind of request by itself;
// remembered for the life of the client. A request that is refused, perhaps because of a header
// that not every store knows, is repeated without it, and only what then passes is learnt.
import { Fault } from '../../system/fault.ts';
import { headersOf } from './answers.ts';
import { statusOf } from './classify.ts';

export type Operation = 'put object' | 'begin upload' | 'upload part' | 'complete upload' | 'look up object';

/** What a request carries although not every store takes it. */
export type Extra = 'sha256' | 'md5' | 'if-none-match';

/**
 * Whether `If-None-Match: *` keeps an object from being overwritten: `ignored` stores overwrite all
 * the same, `refused` ones answer with an error.
 */
export type ConditionSupport = 'unknown' | 'supported' | 'ignored' | 'refused';

export type Writing = 'put object' | 'complete upload';

/**
 * What a refused request may be worth in bytes that are sent again, once repetitions have turned
 * out fruitless.
 */
const CHEAP_BYTES = 64 * 1024;

/** After so many refusals in a row what passed before speaks for nothing any more. */
const REFUSALS_MAX = 3;

/**
 * What to leave out, one attempt after the other; stores that do not implement a header prefer to
 * say 501.
 */
const LEAVE_OUT: readonly (readonly Extra[])[] = [
  ['sha256'],
  ['if-none-match'],
  ['sha256', 'if-none-match'],
  ['md5'],
  ['sha256', 'md5', 'if-none-match'],
];
const LEAVE_OUT_501: readonly (readonly Extra[])[] = [['if-none-match'], ...LEAVE_OUT];

export class Dialect {
  /** Seen in an answer of its own: the store's ETag of an object put whole is its MD5. */
  etagIsMd5 = false;
  /** The same of a part; undefined until one has told. */
  partEtagIsMd5: boolean | undefined;
  /**
   * Listings in a row that were answered with 200 and no listing: by something on the way, or by
   * the store for ever.
   */
  emptyListings = 0;
  /**
   * The store does not answer HEAD, or does not list what was asked for: other requests do instead.
   */
  readonly lacks = new Set<'head' | 'list parts' | 'list uploads'>();
  readonly #standings = new Map<string, 'taken' | 'refused'>();
  readonly #conditions = new Map<Writing, 'supported' | 'ignored'>();
  readonly #fruitless = new Set<Operation>();
  readonly #refusals = new Map<Operation, number>();

  refuses(operation: Operation, extra: Extra): boolean {
    return this.#standings.get(`${operation}/${extra}`) === 'refused';
  }

  conditions(operation: Writing): ConditionSupport {
    if (this.refuses(operation, 'if-none-match')) return 'refused';
    return this.#conditions.get(operation) ?? 'unknown';
  }

  learnConditions(operation: Writing, support: 'supported' | 'ignored'): void {
    this.#conditions.set(operation, support);
  }

  /** What the store was found not to take, for people. */
  refusals(): string[] {
    return [...this.#standings].filter(([, standing]) => standing === 'refused').map(([name]) => name);
  }

  /**
   * Runs a request with what is wanted and not known to be refused. One that is refused is
   * repeated, while nothing speaks for what it carries; rejects with the first refusal when no
   * repetition passes. What is `kept` is never left out, and nothing is repeated while it is
   * unknown whether the store takes that: find it out elsewhere first.
   */
  async tell<T extends object>(
    operation: Operation,
    wanted: readonly Extra[],
    bodyBytes: number,
    run: (extras: ReadonlySet<Extra>) => Promise<T>,
    kept: readonly Extra[] = [],
  ): Promise<T> {
    const sent = wanted.filter((extra) => !this.refuses(operation, extra));
    try {
      const answer = await run(new Set(sent));
      this.#learn(operation, answer, { taken: sent, refused: [] });
      return answer;
    } catch (error) {
      const isOpen = (extra: Extra) => kept.includes(extra) && !this.#isKnown(operation, extra);
      if (sent.some(isOpen) || !mayBeTheHeader(error)) throw error;
      const doubtful = this.#doubtful(operation, sent).filter((extra) => !kept.includes(extra));
      const isDear = this.#fruitless.has(operation) && bodyBytes > CHEAP_BYTES;
      if (doubtful.length === 0 || isDear) throw error;
      return this.#repeat(operation, sent, doubtful, error, run);
    }
  }

  #isKnown(operation: Operation, extra: Extra): boolean {
    if (this.#standings.has(`${operation}/${extra}`)) return true;
    return extra === 'if-none-match' && this.#conditions.has(operation as Writing);
  }

  /** After a refusal: what it may be about. */
  #doubtful(operation: Operation, sent: readonly Extra[]): readonly Extra[] {
    const refusals = (this.#refusals.get(operation) ?? 0) + 1;
    this.#refusals.set(operation, refusals);
    if (refusals >= REFUSALS_MAX) return sent;
    return sent.filter((extra) => this.#standings.get(`${operation}/${extra}`) !== 'taken');
  }

  async #repeat<T extends object>(
    operation: Operation,
    sent: readonly Extra[],
    doubtful: readonly Extra[],
    refusal: Fault,
    run: (extras: ReadonlySet<Extra>) => Promise<T>,
  ): Promise<T> {
    const tried = new Set<string>();
    for (const names of candidates(refusal)) {
      const refused = names.filter((extra) => doubtful.includes(extra));
      const isNew = refused.length > 0 && !tried.has(refused.join());
      tried.add(refused.join());
      if (!isNew) continue;
      const taken = sent.filter((extra) => !refused.includes(extra));
      try {
        const answer = await run(new Set(taken));
        this.#learn(operation, answer, { taken, refused });
        return answer;
      } catch (error) {
        if (!mayBeTheHeader(error)) throw error;
      }
    }
    this.#fruitless.add(operation);
    throw refusal;
  }

  #learn(
    operation: Operation,
    answer: object,
    lesson: Readonly<Record<'taken' | 'refused', readonly Extra[]>>,
  ): void {
    if (!isFromStore(answer)) return;
    for (const extra of lesson.taken) this.#standings.set(`${operation}/${extra}`, 'taken');
    for (const extra of lesson.refused) this.#standings.set(`${operation}/${extra}`, 'refused');
    this.#refusals.delete(operation);
    this.#fruitless.delete(operation);
  }
}

/**
 * Something between here and a store may answer 200 to anything (found with simulated seed 4099).
 */
function isFromStore(answer: object): boolean {
  const { ETag, UploadId, LastModified } = answer as Readonly<Record<string, unknown>>;
  if (ETag !== undefined || UploadId !== undefined || LastModified !== undefined) return true;
  return Object.keys(headersOf(answer)).some((name) => name.startsWith('x-amz-'));
}

/**
 * A refusal that blames neither credentials nor bucket nor content, by its status and by what its
 * name leaves open.
 */
export function mayBeTheHeader(error: unknown): error is Fault {
  if (!(error instanceof Fault)) return false;
  if (!REFUSALS.has(statusOf(error.cause) ?? 0) || error.code === 'EntityTooSmall') return false;
  return error.faultClass === 'unknown' || NOT_TAKEN.has(error.code ?? '');
}

const REFUSALS = new Set([400, 405, 415, 417, 422, 501]);
const NOT_TAKEN = new Set(['NotImplemented', 'Http501', 'MethodNotAllowed', 'Http405', 'InvalidDigest']);

function candidates({ cause }: Fault): readonly (readonly Extra[])[] {
  return statusOf(cause) === 501 ? LEAVE_OUT_501 : LEAVE_OUT;
}

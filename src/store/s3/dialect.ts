// What one store accepts and honours, learnt from its answers.
import { Fault } from '../../system/fault.ts';
import { headersOf } from './answers.ts';
import { statusOf } from './classify.ts';

export type Operation = 'put object' | 'begin upload' | 'upload part' | 'complete upload' | 'look up object';

/** What a request carries although not every store accepts it. */
export type Extra = 'sha256' | 'md5' | 'if-none-match';

/**
 * Whether `If-None-Match: *` keeps an object from being overwritten. A store that `ignored` it
 * overwrites anyway; one that `refused` it answers with an error.
 */
export type ConditionSupport = 'unknown' | 'supported' | 'ignored' | 'refused';

export type Writing = 'put object' | 'complete upload';

/**
 * After repetitions have turned out useless, a refused request is repeated only if it has at most
 * this many bytes.
 */
const CHEAP_BYTES = 64 * 1024;

/** After this many refusals in a row, earlier successes no longer count. */
const REFUSALS_MAX = 3;

/**
 * What to leave out, one attempt after the other. Stores that do not implement a header tend to
 * answer 501.
 */
const LEAVE_OUT: readonly (readonly Extra[])[] = [
  ['sha256'],
  ['if-none-match'],
  ['sha256', 'if-none-match'],
  ['md5'],
  ['sha256', 'md5', 'if-none-match'],
];
const LEAVE_OUT_501: readonly (readonly Extra[])[] = [['if-none-match'], ...LEAVE_OUT];

/**
 * The dialect of one store, learnt for each kind of request and remembered for the life of the
 * client. A refused request may be refused because of a header that not every store knows. It is
 * repeated without that header, and what then succeeds is learnt.
 */
export class Dialect {
  /** The store has shown that its ETag of an object sent whole is the object's MD5. */
  etagIsMd5 = false;
  /** The same for a part. Undefined until a part has shown it. */
  partEtagIsMd5: boolean | undefined;
  /**
   * How many listings in a row were answered with 200 but without a listing: by something on the
   * way, or always by this store.
   */
  emptyListings = 0;
  /** Requests that the store does not answer; other requests replace them. */
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

  /** What the store refuses, as text for the operator. */
  refusals(): string[] {
    return [...this.#standings].filter(([, standing]) => standing === 'refused').map(([name]) => name);
  }

  /**
   * Runs a request with the wanted extras, except those known to be refused. A refused request is
   * repeated with fewer extras while any of them is in doubt. Rejects with the first refusal if no
   * repetition succeeds. Extras that are `kept` are never left out. While it is unknown whether the
   * store accepts a kept extra, nothing is repeated: find that out elsewhere first.
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

  /** After a refusal: the extras that may have caused it. */
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
 * Something between us and the store may answer 200 to anything (found by the simulation, seed
 * 4099).
 */
function isFromStore(answer: object): boolean {
  const { ETag, UploadId, LastModified } = answer as Readonly<Record<string, unknown>>;
  if (ETag !== undefined || UploadId !== undefined || LastModified !== undefined) return true;
  return Object.keys(headersOf(answer)).some((name) => name.startsWith('x-amz-'));
}

/**
 * True for a refusal that does not blame credentials, bucket or content, judging by its status and
 * name.
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

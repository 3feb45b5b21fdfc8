// Fetches a client's credentials with a time limit.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { Fault } from '../../system/fault.ts';
import type { SigningCredentials } from './put-template.ts';

/** Shorter than the probe's time-out, so that the operator is told the real cause. */
const LIMIT_MS = 30_000;
/**
 * The SDK renews credentials 5 min before they expire (its `isIdentityExpired`). From one minute
 * earlier on, requests wait here instead.
 */
const RENEWAL_MS = 6 * 60_000;

/** The store's error names for credentials that it refuses, or no longer accepts. */
const REFUSED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'InvalidToken',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
]);
/** After these answers, the credentials are fetched again before the next request. */
const STALE = new Set([...REFUSED, 'CredentialsProviderError']);

/**
 * Makes sure that the SDK has credentials before a request begins. They may come from a process or
 * a service that never answers, while no request is there yet whose deadline would end the wait.
 * With boundCredentials(), that wait takes at most half a minute; the signal ends it sooner. Uses
 * the wall clock for the expiry.
 */
export class Credentials {
  readonly #client: S3Client;
  readonly #clock: Clock;
  #isStale = false;
  #atHandUntilMs = 0;
  #inUse = '';
  #generation = 0;
  #current: SigningCredentials | undefined;

  constructor(client: S3Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The credentials are fetched again before the next request. */
  expire(): void {
    this.#isStale = true;
  }

  /** Changes when the credentials change, not when the same ones are fetched again. */
  get generation(): number {
    return this.#generation;
  }

  /** True if ready() would do nothing. */
  get isReady(): boolean {
    return !this.#isStale && this.#clock.wallMs() < this.#atHandUntilMs;
  }

  /** What requests are signed with; undefined until ready() has resolved. */
  get current(): SigningCredentials | undefined {
    return this.#current;
  }

  /** Notes the error code that the store or the source of the credentials answered. */
  answered(code: string | undefined): void {
    if (code !== undefined && STALE.has(code)) this.expire();
  }

  /**
   * Call after the store refused the credentials of `generation`. Resolves with true if there are
   * other credentials now, which it fetches if necessary. Rejects as ready() does.
   */
  async renewed(code: string | undefined, generation: number, signal: AbortSignal): Promise<boolean> {
    if (code === undefined || !REFUSED.has(code)) return false;
    if (generation === this.#generation) {
      this.expire();
      await this.ready(signal);
    }
    return generation !== this.#generation;
  }

  /**
   * Resolves when credentials are there. Rejects with the signal's reason as soon as it aborts, or
   * with the reason why no credentials came.
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.isReady) return;
    const fetched = this.#client.config.credentials({ forceRefresh: this.#isStale });
    const { expiration, accessKeyId, secretAccessKey, sessionToken } = await untilAborted(fetched, signal);
    this.#isStale = false;
    const inUse = [accessKeyId, secretAccessKey, sessionToken].join('\n');
    if (inUse !== this.#inUse) this.#generation += 1;
    this.#inUse = inUse;
    this.#current = { accessKeyId, secretAccessKey };
    this.#atHandUntilMs =
      expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - RENEWAL_MS;
  }
}

/**
 * Makes the client's credential chain reject with Fault `breaker` when it takes too long. The chain
 * is then replaced, because all later callers would wait for the old one's answer.
 */
export function boundCredentials({ config }: S3Client, clock: Clock): void {
  const newChain = () => config.credentialDefaultProvider({ ...config, parentClientConfig: config });
  let chain = newChain();
  config.credentials = async (options) => {
    const answered = new AbortController();
    const limit = clock.sleep(LIMIT_MS, answered.signal).then(() => {
      chain = newChain();
      throw unansweredFault();
    });
    return Promise.race([chain(options), limit]).finally(() => answered.abort());
  };
}

function unansweredFault(): Fault {
  return new Fault('breaker', `no credentials came within ${LIMIT_MS / 1_000} s`, {
    operation: 'fetch credentials',
    subject: 'credentials',
    hint: 'The source of the credentials does not answer: check the credential_process, the role or the profile.',
    code: 'CredentialsTimeout',
  });
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

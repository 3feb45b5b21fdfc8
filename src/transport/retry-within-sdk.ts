// The only retries inside the SDK, both at once. A connection that was kept alive may have been
// closed by the other side just as it was used again: one second attempt. A request whose turn on
// the link did not come for long was not begun, and its signature is old: it is signed anew, as
// often as it takes. Everything else is the drain's to decide.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { errnoOf } from '../system/fault.ts';

type Strategy = Extract<NonNullable<S3ClientConfig['retryStrategy']>, { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>;
type Failure = Parameters<Strategy['refreshRetryTokenForRetry']>[1];

/**
 * The code of a request that was not begun, because its turn did not come while its signature was
 * fresh.
 */
export const SIGNATURE_AGED = 'ERR_SIGNATURE_AGED';

const FIRST: Token = { getRetryCount: () => 0, getRetryDelay: () => 0 };
const SECOND: Token = { getRetryCount: () => 1, getRetryDelay: () => 0 };

export class RetryWithinSdk implements Strategy {
  async acquireInitialRetryToken(): Promise<Token> {
    return FIRST;
  }

  async refreshRetryTokenForRetry(token: Token, failure: Failure): Promise<Token> {
    const code = errnoOf(failure.error);
    if (code === SIGNATURE_AGED) return token;
    if (token === FIRST && (code === 'ECONNRESET' || code === 'EPIPE')) return SECOND;
    throw failure.error ?? new Error('no second attempt');
  }

  recordSuccess(): void {
    // Nothing is counted.
  }
}

// The only retries inside the SDK. The drain decides about everything else.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { errnoOf } from '../system/fault.ts';

type Strategy = Extract<NonNullable<S3ClientConfig['retryStrategy']>, { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>;
type Failure = Parameters<Strategy['refreshRetryTokenForRetry']>[1];

/**
 * The code of a request that did not begin because its turn did not come while its signature was
 * fresh.
 */
export const SIGNATURE_AGED = 'ERR_SIGNATURE_AGED';

const FIRST: Token = { getRetryCount: () => 0, getRetryDelay: () => 0 };
const SECOND: Token = { getRetryCount: () => 1, getRetryDelay: () => 0 };

/**
 * Retries at once in two cases. The other side may close a kept-alive connection just as it is used
 * again: one second attempt. A request whose turn did not come in time has not begun, and its
 * signature is old: it is signed again, as often as needed. Any other failure is thrown.
 */
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

// The only retry inside the SDK: a connection that was kept alive may have been closed by the other side just
// as it was used again. One second attempt, at once; everything else is the drain's to decide.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { errnoOf } from '../system/fault.ts';

type Strategy = Extract<NonNullable<S3ClientConfig['retryStrategy']>, { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>;
type Failure = Parameters<Strategy['refreshRetryTokenForRetry']>[1];

const FIRST: Token = { getRetryCount: () => 0, getRetryDelay: () => 0 };
const SECOND: Token = { getRetryCount: () => 1, getRetryDelay: () => 0 };

export class RetryBrokenConnection implements Strategy {
  async acquireInitialRetryToken(): Promise<Token> {
    return FIRST;
  }

  async refreshRetryTokenForRetry(token: Token, failure: Failure): Promise<Token> {
    const code = errnoOf(failure.error);
    if (token === FIRST && (code === 'ECONNRESET' || code === 'EPIPE')) return SECOND;
    throw failure.error ?? new Error('no second attempt');
  }

  recordSuccess(): void {
    // Nothing is counted.
  }
}

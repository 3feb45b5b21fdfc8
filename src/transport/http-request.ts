// Types for the SDK's request, answer and handler, and for the part of a request that crosses
// between the threads.
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type SdkHandler = Extract<NonNullable<S3ClientConfig['requestHandler']>, { handle: unknown }>;

export type HttpRequest = Parameters<SdkHandler['handle']>[0];
export type HttpHandlerOptions = NonNullable<Parameters<SdkHandler['handle']>[1]>;
export type HttpAnswer = Awaited<ReturnType<SdkHandler['handle']>>;

/** The SDK's request without its body. */
export type RequestHead = Pick<
  HttpRequest,
  'method' | 'protocol' | 'hostname' | 'port' | 'path' | 'query' | 'headers'
>;

/** An answer as a whole. */
export interface SmallAnswer {
  readonly statusCode: number;
  /** By their names in lower case. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/**
 * Sends a signed request with a small body, and resolves with the whole answer. Rejects as the
 * handler's handle() does. The body is only read, and stays what it is for another attempt.
 */
export type SmallExchange = (
  head: RequestHead,
  body: Uint8Array,
  signal: AbortSignal,
) => Promise<SmallAnswer>;

/** The handler through which everything leaves for the store. */
export type RequestHandler = SdkHandler & {
  /** Undefined if the handler has nothing cheaper than handle(). */
  readonly exchange?: SmallExchange;
};

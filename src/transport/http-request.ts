// Types for the SDK's request, answer and handler, and for the part of a request that crosses
// between the threads.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { NodeHttpHandler } from '@smithy/node-http-handler';

export type HttpRequest = Parameters<NodeHttpHandler['handle']>[0];
export type HttpHandlerOptions = NonNullable<Parameters<NodeHttpHandler['handle']>[1]>;
export type HttpAnswer = Awaited<ReturnType<NodeHttpHandler['handle']>>;

/** The SDK's request without its body. */
export type RequestHead = Pick<
  HttpRequest,
  'method' | 'protocol' | 'hostname' | 'port' | 'path' | 'query' | 'headers'
>;

/** The handler through which everything leaves for the store. */
export type RequestHandler = Exclude<NonNullable<S3ClientConfig['requestHandler']>, Record<string, unknown>>;

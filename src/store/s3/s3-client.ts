// The SDK's client, configured for halfpipe: one handler sends everything, nothing is sent as a
// chunked stream, and no second retry loop hides failures from the drain.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { Fault } from '../../system/fault.ts';
import type { RequestHandler } from '../../transport/http-request.ts';
import { carrySignals } from '../../transport/request-signal.ts';
import { RetryWithinSdk } from '../../transport/retry-within-sdk.ts';
import { keepHeaders } from './answers.ts';
import { boundCredentials } from './credentials.ts';
import { tapRequests } from './request-tap.ts';
import { traceRequests } from './request-trace.ts';
import type { StoreEvent } from './store-event.ts';

export interface S3ClientOptions {
  readonly requestHandler: RequestHandler;
  readonly clock: Clock;
  readonly onEvent?: ((event: StoreEvent) => void) | undefined;
  /**
   * Undefined: the SDK's own chain decides, or us-east-1 if there is an endpoint and the chain
   * knows no region.
   */
  readonly region: string | undefined;
  /** Undefined means AWS. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  /** The bucket's name or ARN. */
  readonly bucket: string;
  readonly requestPayer?: boolean;
  /** An AWS account id. */
  readonly expectedBucketOwner?: string | undefined;
}

/**
 * Makes a client with credentials from the SDK's default chain only, read anew for each client,
 * within a time limit. Its `destroy` closes only idle connections; requests in flight finish.
 */
export function createS3Client(options: S3ClientOptions): S3Client {
  const { region, endpoint, requestHandler, clock, onEvent } = options;
  const config: S3ClientConfig & { ignoreCache: boolean; cacheMiddleware: boolean } = {
    ...addressing(options),
    // Following a redirect would cost a second request each time. The operator is told the right
    // region instead.
    followRegionRedirects: false,
    requestHandler,
    // `Expect: 100-continue` stalls for 6 s on servers that do not answer it, and opens a
    // connection for each request.
    expectContinueHeader: false,
    // Buffers carry their own SHA-256 and MD5. The SDK's defaults add trailers that other stores
    // refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    retryStrategy: new RetryWithinSdk(),
    // Reaches the credential chain, which otherwise remembers ~/.aws/credentials for the life of
    // the process.
    ignoreCache: true,
    // Build the middleware once for each kind of request, not for each request; see request-signal.
    cacheMiddleware: true,
  };
  config.region = region ?? regionOnce(endpoint);
  if (endpoint !== undefined) config.endpoint = endpoint;
  const client = new S3Client(config);
  boundCredentials(client, clock);
  reuseSha256(client);
  carrySignals(client);
  tapRequests(client);
  keepHeaders(client);
  if (onEvent !== undefined) traceRequests(client, onEvent, clock);
  addHeaders(client, headersOfEach(options));
  return client;
}

/** An access point is never in the path, and its ARN names its region. */
export function addressing({ bucket, forcePathStyle }: Pick<S3ClientOptions, 'bucket' | 'forcePathStyle'>) {
  return bucket.startsWith('arn:')
    ? { forcePathStyle: false, useArnRegion: true }
    : { forcePathStyle, useArnRegion: false };
}

/** Headers that buckets of other accounts require on every request. */
function headersOfEach({ requestPayer, expectedBucketOwner }: S3ClientOptions): Record<string, string> {
  return {
    ...(requestPayer === true ? { 'x-amz-request-payer': 'requester' } : {}),
    ...(expectedBucketOwner === undefined ? {} : { 'x-amz-expected-bucket-owner': expectedBucketOwner }),
  };
}

function addHeaders(client: S3Client, added: Record<string, string>): void {
  if (Object.keys(added).length === 0) return;
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      Object.assign(headers, added);
      return next(args);
    },
    // Before the request is signed.
    { step: 'build', name: 'addHeaders' },
  );
}

/**
 * The SDK asks for the region several times for each request, and asking its chain costs more than
 * the request. So the chain is asked only until it knows.
 */
function regionOnce(endpoint: string | undefined): () => Promise<string> {
  let region: Promise<string> | undefined;
  return () => {
    region ??= regionOfChain(endpoint).catch((error: unknown) => {
      region = undefined;
      throw error;
    });
    return region;
  };
}

/**
 * The region from the SDK's chain (environment, profile). Stores other than AWS ignore it, but the
 * signature needs one. Rejects with Fault `breaker` if there is no region and no endpoint.
 */
export async function regionOfChain(endpoint: string | undefined): Promise<string> {
  // The SDK offers its chain only through a client. This client never sends anything.
  const chain = new S3Client({});
  try {
    return await chain.config.region();
  } catch (cause) {
    // The SDK throws when no region is configured anywhere.
    if (endpoint !== undefined) return 'us-east-1';
    throw new Fault('breaker', 'no region is configured', {
      operation: 'find the region',
      subject: 's3.region',
      hint: 'Set s3.region to the region of the bucket, or s3.endpoint where the store is not AWS.',
      cause,
      code: 'NoRegion',
    });
  }
}

/**
 * The signature covers the body's SHA-256, which the request already carries, so it is not computed
 * again.
 */
function reuseSha256(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      const checksum = headers['x-amz-checksum-sha256'];
      if (checksum !== undefined)
        headers['x-amz-content-sha256'] = Buffer.from(checksum, 'base64').toString('hex');
      return next(args);
    },
    { step: 'build', name: 'reuseSha256' },
  );
}

// Finds out which host the store's requests go to, so that the link towards it can be found. It
// asks the SDK, which knows AWS's regions, path styles and the endpoints in the environment and
// profile.
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../system/fault.ts';
import { addressing, regionOfChain } from './s3-client.ts';

export interface EndpointOptions {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
}

export interface Endpoint {
  /** `https:` or `http:`. */
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Sends nothing and needs no credentials. Rejects with Fault `breaker` when region and endpoint
 * lead to no host.
 */
export async function endpointOf(options: EndpointOptions): Promise<Endpoint> {
  try {
    return await resolve(options);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('breaker', `no host to send to: ${reason}`, {
      operation: 'find the endpoint',
      subject: options.endpoint ?? options.region ?? options.bucket,
      hint: 'Correct s3.region or s3.endpoint.',
      cause,
      code: 'NoEndpoint',
    });
  }
}

async function resolve(options: EndpointOptions): Promise<Endpoint> {
  const { bucket, endpoint } = options;
  const client = new S3Client({
    region: options.region ?? (await regionOfChain(endpoint)),
    ...addressing(options),
    // The SDK requires credentials before it builds a request. Nothing is sent.
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  let found = { protocol: '', host: '', port: 0 };
  client.middlewareStack.add(
    () => async (args) => {
      const { hostname, port, protocol } = args.request as {
        hostname: string;
        port?: number;
        protocol: string;
      };
      const host = hostname.replace(/^\[|\]$/g, '');
      found = { protocol, host, port: port ?? (protocol === 'http:' ? 80 : 443) };
      return { output: { $metadata: {} }, response: undefined };
    },
    { step: 'build', priority: 'high', name: 'stopHere' },
  );
  await client.send(new HeadBucketCommand({ Bucket: bucket }));
  return found;
}

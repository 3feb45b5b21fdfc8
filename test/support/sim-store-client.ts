// The SDK's client of all simulated processes, made once: its requests go to whichever network is set. Nothing is
// signed, which costs half the time and decides nothing; all else is as in the real client.
import { S3Client } from '@aws-sdk/client-s3';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { tapRequests } from '../../src/store/s3/request-tap.ts';
import type { RequestHead } from '../../src/transport/http-request.ts';
import { carrySignals, signalOf } from '../../src/transport/request-signal.ts';
import { RetryWithinSdk } from '../../src/transport/retry-within-sdk.ts';
import { responseOf, type Sender, type SimStoreNetwork } from './sim-store-network.ts';
import type { StoreRequest } from './sim-store-server.ts';

type Head = Pick<RequestHead, 'method' | 'path' | 'query' | 'headers'>;

/** Small enough that a simulated file has several parts. */
export const SIM_PART_BYTES = 1_024;

// lib-storage holds its callers to S3's 5 MiB.
Reflect.set(PartUploader, 'MIN_PART_SIZE', 1);

/** What the client sends goes to `network` as if `sender` had sent it. */
export function simClient(network: SimStoreNetwork, sender: Sender): S3Client {
  const send = async ({ method, path, query = {}, headers }: Head, body: unknown, signal?: AbortSignal) => {
    const sent: StoreRequest = { method, path, query: { ...query }, headers, body: bytesOf(body) };
    return responseOf(await network.send(sender, sent, signal));
  };
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: (request: Head & { body?: unknown }) => send(request, request.body, signalOf(request)),
    exchange: async (head: RequestHead, content: Uint8Array, signal: AbortSignal) => {
      const { statusCode, headers, body } = (await send(head, content, signal)).response;
      return { statusCode, headers, body: Buffer.concat(await body.toArray()) };
    },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
  // A client of this process's own in all but its handler: made anew, each would read its configuration from disk again.
  return Object.assign(Object.create(shared), {
    config: { ...shared.config, requestHandler: handler },
    destroy: () => undefined,
  });
}

const signer = { sign: async (request: unknown) => request };

const shared = new S3Client({
  region: 'us-east-1',
  endpoint: 'http://store',
  forcePathStyle: true,
  followRegionRedirects: false,
  credentials: { accessKeyId: 'sim', secretAccessKey: 'sim' },
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  retryStrategy: new RetryWithinSdk(),
  expectContinueHeader: false,
  signer: signer as never,
});

// What only talks about a request costs a tenth of a simulation.
for (const talk of ['loggerMiddleware', 'userAgentMiddleware', 'recursionDetectionMiddleware'])
  shared.middlewareStack.remove(talk);
carrySignals(shared);
tapRequests(shared);

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body as Uint8Array);
}

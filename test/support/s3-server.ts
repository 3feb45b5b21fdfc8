// An S3 server for tests and the demo: real SDK requests in, files on disk out. It is strict where halfpipe's promises
// hang on the answer (signatures, digests, conditions, whole objects only) and refuses what halfpipe must never send.
// Invariant: it writes below `directory` only, whatever a key looks like.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { S3Bucket } from './s3-bucket.ts';
import { S3Error } from './s3-error.ts';
import { S3MultipartUploads } from './s3-multipart.ts';
import { type Place, perform, send } from './s3-operations.ts';
import { type AccessKey, checkSignature } from './s3-signature.ts';
import { xmlDocument } from './s3-xml.ts';
import { askedOf, type Quirks, wordAnswer } from './store-quirks.ts';

export interface S3ServerOptions extends AccessKey {
  /** Holds one folder a bucket; made when missing, read when it is there. */
  readonly directory: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly buckets: readonly string[];
  /** Of every part but the last; default S3's 5 MiB. */
  readonly leastPartBytes?: number;
  /** How the store to be played departs from S3. */
  readonly quirks?: Quirks;
  /** Sees every request first, to misbehave in a test's stead: true means that it answers (or not) by itself. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface S3Server extends AccessKey {
  readonly endpoint: string;
  /** What the bucket holds, past the protocol: to look at it or to clear it. */
  bucket(name: string): S3Bucket | undefined;
  /** Idle connections stay open until the client closes them. */
  keepIdleConnections(): void;
  /** Breaks the connections that are open and frees the port. */
  close(): Promise<void>;
}

/** Resolves when the server listens. Rejects with a message for people when the port is taken. */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { accessKeyId, secretAccessKey, host = '127.0.0.1' } = options;
  const places = new Map<string, Place>();
  const server = createServer((request, response) => {
    if (options.intercept?.(request, response)) return;
    answer(places, options, request, response).catch((error: unknown) => refuse(request, response, error));
  });
  // The port first: whoever has it may be at work on the same folder.
  await listen(server, options.port, host);
  for (const name of options.buckets) {
    const bucket = new S3Bucket(options.directory, name);
    bucket.start();
    places.set(name, { bucket, uploads: new S3MultipartUploads(bucket, options.leastPartBytes) });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    endpoint: `http://${host}:${port}`,
    accessKeyId,
    secretAccessKey,
    bucket: (name) => places.get(name)?.bucket,
    keepIdleConnections: () => {
      server.keepAliveTimeout = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} on ${host} is taken by another program`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
    server.listen(port, host, resolve);
  });
}

async function answer(
  places: ReadonlyMap<string, Place>,
  { quirks, ...accessKey }: AccessKey & Pick<S3ServerOptions, 'quirks'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  checkSignature(request, accessKey);
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2);
  const [, bucketName = '', rawKey = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  const place = places.get(bucketName);
  if (place === undefined) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist.');
  const key = decodeURIComponent(rawKey);
  if (Buffer.byteLength(key) > 1024) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long.');
  const call = { ...place, request, response, key, query: new URLSearchParams(query) };
  if (quirks === undefined) return perform(call);
  const asked = askedOf(request, key, call.query, place.bucket);
  quirks.ask?.(asked);
  wordAnswer(response, quirks, asked);
  await perform({ ...call, readEtag: quirks.etag?.read });
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, code, message } = asS3Error(error);
  send(
    response,
    status,
    request.method === 'HEAD' ? '' : xmlDocument('Error', { Code: code, Message: message }),
  );
}

function asS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof URIError) return new S3Error(400, 'InvalidURI', 'The key is no UTF-8.');
  return new S3Error(500, 'InternalError', String(error));
}

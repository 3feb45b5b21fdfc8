// A small S3 in memory that misbehaves as told: the store's answers to faults are tested against it. Requests are
// answered correctly unless a script says otherwise; signatures are not checked.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request is to be spoilt. Several at once are possible. */
export interface Misbehaviour {
  /** Answer with this instead of doing anything. */
  readonly status?: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answer before the body was read. */
  readonly early?: boolean;
  /** Reset the connection once this many bytes of the body have come. */
  readonly resetAtByte?: number;
  /** Neither read nor answer. */
  readonly stall?: boolean;
  /** Do it, then reset the connection instead of answering. */
  readonly dropAnswer?: boolean;
  /** Do it, but with the first byte flipped. */
  readonly flipByte?: boolean;
  /** Do it without its last byte. */
  readonly truncate?: boolean;
  /** Do it, but answer with this ETag. */
  readonly etag?: string;
  /** Do it or not, but answer 200 with an <Error> of this code; '' answers 200 with nothing. */
  readonly okWithError?: string;
}

export interface SeenRequest {
  readonly operation: string;
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawPath: string;
  readonly bodyBytes: number;
}

export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly sha256: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

interface OpenUpload {
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
  readonly parts: Map<number, StoredObject>;
}

export interface ScriptedS3Options {
  /** Whether `If-None-Match: *` is honoured, ignored, or answered with NotImplemented. */
  readonly conditions?: 'honour' | 'ignore' | 'refuse';
  /** ETags that are no digests, and no checksums: nothing to compare. */
  readonly opaque?: boolean;
  /** Keep and answer SHA-256 checksums, as AWS does. */
  readonly checksums?: boolean;
}

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

export class ScriptedS3 {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, OpenUpload>();
  readonly requests: SeenRequest[] = [];
  /** Asked for each request; undefined lets it be. */
  script: (request: SeenRequest, nth: number) => Misbehaviour | undefined = () => undefined;
  readonly #options: ScriptedS3Options;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });
  #uploadsMade = 0;

  constructor(options: ScriptedS3Options = {}) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How often an operation such as `PUT` or `POST ?uploads` was asked for. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://s3');
    const key = decodeURIComponent((request.url ?? '').replace(/\?.*/, '').split('/').slice(2).join('/'));
    const kind = ['uploads', 'uploadId'].find((name) => url.searchParams.has(name));
    const operation = kind === undefined ? (request.method ?? '') : `${request.method} ?${kind}`;
    const seen = { operation, key, headers: request.headers, rawPath: request.url ?? '', bodyBytes: 0 };
    this.requests.push(seen);
    const spoil = this.script(seen, this.count(operation)) ?? {};
    if (spoil.stall) return;
    if (spoil.status !== undefined && spoil.early)
      return fail(response, spoil.status, spoil.code, spoil.headers);
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
      seen.bodyBytes += chunk.length;
      if (seen.bodyBytes >= (spoil.resetAtByte ?? Number.POSITIVE_INFINITY)) return reset(request);
    }
    if (spoil.status !== undefined) return fail(response, spoil.status, spoil.code, spoil.headers);
    if (spoil.okWithError) return void response.end(errorXml(spoil.okWithError));
    if (spoil.okWithError === '') return void response.end();
    const body = Buffer.concat(chunks);
    if (spoil.flipByte && body.length > 0) body[0] = (body[0] ?? 0) ^ 0xff;
    const kept = spoil.truncate ? body.subarray(0, -1) : body;
    if (spoil.dropAnswer) {
      this.#perform(operation, key, url.searchParams, request, kept, new DeadEnd());
      return reset(request);
    }
    if (spoil.etag !== undefined) response.setHeader('x-scripted-etag', spoil.etag);
    this.#perform(operation, key, url.searchParams, request, kept, response);
  }

  #perform(
    operation: string,
    key: string,
    query: URLSearchParams,
    request: IncomingMessage,
    body: Buffer,
    response: Answering,
  ): void {
    const { headers } = request;
    const uploadId = query.get('uploadId') ?? '';
    if (uploadId !== '' && !this.uploads.has(uploadId)) return fail(response, 404, 'NoSuchUpload');
    const upload = this.uploads.get(uploadId);
    const writes = operation === 'PUT' || operation === 'POST ?uploadId';
    if (writes && headers['if-none-match'] === '*') {
      if (this.#options.conditions === 'refuse') return fail(response, 501, 'NotImplemented');
      const taken = this.objects.has(key) && this.#options.conditions !== 'ignore';
      if (taken) return fail(response, 412, 'PreconditionFailed');
    }
    switch (operation) {
      case 'PUT':
        this.objects.set(key, this.#stored(body, headers));
        return this.#answer(response, this.objects.get(key));
      case 'HEAD':
      case 'GET':
        return this.#get(key, headers, operation, response);
      case 'DELETE':
        this.objects.delete(key);
        return void response.writeHead(204).end();
      case 'POST ?uploads': {
        this.#uploadsMade += 1;
        this.uploads.set(`upload-${this.#uploadsMade}`, { key, headers, parts: new Map() });
        return void response.end(
          `<InitiateMultipartUploadResult><UploadId>upload-${this.#uploadsMade}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case 'PUT ?uploadId': {
        const part = this.#stored(body, headers);
        upload?.parts.set(Number(query.get('partNumber')), part);
        return this.#answer(response, part);
      }
      case 'GET ?uploadId':
        return void response.end(this.#listParts(upload, Number(query.get('part-number-marker') ?? 0)));
      case 'DELETE ?uploadId':
        this.uploads.delete(uploadId);
        return void response.writeHead(204).end();
      default:
        return this.#complete(uploadId, upload, response);
    }
  }

  #stored(body: Buffer, headers: IncomingMessage['headers']): StoredObject {
    const etag = this.#options.opaque ? `opaque-${body.length}` : md5(body);
    const sha256 = this.#options.checksums ? createHash('sha256').update(body).digest('base64') : undefined;
    return { body, etag, sha256, headers };
  }

  #answer(response: Answering, object: StoredObject | undefined): void {
    if (object === undefined) return fail(response, 404, 'NoSuchKey');
    response.setHeader('etag', `"${response.getHeader('x-scripted-etag') ?? object.etag}"`);
    if (object.sha256 !== undefined) response.setHeader('x-amz-checksum-sha256', object.sha256);
    response.end();
  }

  #get(key: string, headers: IncomingMessage['headers'], method: string, response: Answering): void {
    const object = this.objects.get(key);
    if (object === undefined && method === 'HEAD') return void response.writeHead(404).end();
    if (object === undefined) return fail(response, 404, 'NoSuchKey');
    const [from = 0, to = object.body.length - 1] = (headers.range ?? '').match(/\d+/g)?.map(Number) ?? [];
    const body = object.body.subarray(from, to + 1);
    response.setHeader('etag', `"${object.etag}"`);
    response.setHeader('content-length', body.length);
    if (object.sha256 !== undefined) response.setHeader('x-amz-checksum-sha256', object.sha256);
    response.end(method === 'HEAD' ? undefined : body);
  }

  /** Two parts a page, so that paging is used. */
  #listParts(upload: OpenUpload | undefined, marker: number): string {
    const parts = [...(upload?.parts ?? [])].sort(([a], [b]) => a - b).filter(([number]) => number > marker);
    const page = parts.slice(0, 2).map(([number, { etag, body, sha256 }]) => {
      const checksum = sha256 === undefined ? '' : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
      return `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag><Size>${body.length}</Size>${checksum}</Part>`;
    });
    const more = parts.length > 2;
    const next = `<NextPartNumberMarker>${parts[Math.min(1, parts.length - 1)]?.[0] ?? marker}</NextPartNumberMarker>`;
    return `<ListPartsResult>${page.join('')}<IsTruncated>${more}</IsTruncated>${next}</ListPartsResult>`;
  }

  #complete(uploadId: string, upload: OpenUpload | undefined, response: Answering): void {
    const parts = [...(upload?.parts ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part);
    const digests = (algorithm: string) => {
      const hash = createHash(algorithm);
      for (const part of parts) hash.update(createHash(algorithm).update(part.body).digest());
      return hash;
    };
    const etag = `${this.#options.opaque ? 'opaque' : digests('md5').digest('hex')}-${parts.length}`;
    const sha256 = this.#options.checksums
      ? `${digests('sha256').digest('base64')}-${parts.length}`
      : undefined;
    const body = Buffer.concat(parts.map((part) => part.body));
    this.objects.set(upload?.key ?? '', { body, etag, sha256, headers: upload?.headers ?? {} });
    this.uploads.delete(uploadId);
    const checksum = sha256 === undefined ? '' : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
    response.end(
      `<CompleteMultipartUploadResult><ETag>"${etag}"</ETag>${checksum}</CompleteMultipartUploadResult>`,
    );
  }
}

type Answering = Pick<ServerResponse, 'writeHead' | 'end' | 'setHeader' | 'getHeader'>;

/** Where answers go that nobody shall get. */
class DeadEnd {
  writeHead(): ServerResponse {
    return this as unknown as ServerResponse;
  }
  setHeader(): ServerResponse {
    return this as unknown as ServerResponse;
  }
  getHeader(): undefined {
    return undefined;
  }
  end(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

function reset(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

function fail(
  response: Answering,
  status: number,
  code = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status).end(code === '' ? undefined : errorXml(code));
}

function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>scripted</Message></Error>`;
}

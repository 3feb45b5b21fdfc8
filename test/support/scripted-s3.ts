// A small S3 in memory that misbehaves as told: the store's answers to faults are tested against it. Requests are
// answered correctly unless a script says otherwise; signatures are not checked.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, errorAnswer, FaultyWire, type WireFault } from './wire-fault.ts';

export interface SeenRequest {
  readonly operation: string;
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawPath: string;
  bodyBytes: number;
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
  script: (request: SeenRequest, nth: number) => WireFault | undefined = () => undefined;
  readonly #options: ScriptedS3Options;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });
  readonly #wire = new FaultyWire();
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

  /** Resolves when no request is left that is to be carried out late. */
  settled(): Promise<void> {
    return this.#wire.settled();
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
    const { method = '', headers } = request;
    const operation = kind === undefined ? method : `${method} ?${kind}`;
    const seen = { operation, key, headers, rawPath: request.url ?? '', bodyBytes: 0 };
    this.requests.push(seen);
    const fault = this.script(seen, this.count(operation));
    const carryOut = async (body: Buffer) => this.#perform(seen, url.searchParams, body);
    await this.#wire.serve(request, response, fault, carryOut, (count) => {
      seen.bodyBytes += count;
    });
  }

  #perform({ operation, key, headers }: SeenRequest, query: URLSearchParams, body: Buffer): Answer {
    const uploadId = query.get('uploadId') ?? '';
    const upload = this.uploads.get(uploadId);
    if (uploadId !== '' && upload === undefined) return errorAnswer(404, 'NoSuchUpload');
    const writes = operation === 'PUT' || operation === 'POST ?uploadId';
    if (writes && headers['if-none-match'] === '*') {
      if (this.#options.conditions === 'refuse') return errorAnswer(501, 'NotImplemented');
      const taken = this.objects.has(key) && this.#options.conditions !== 'ignore';
      if (taken) return errorAnswer(412, 'PreconditionFailed');
    }
    switch (operation) {
      case 'PUT': {
        const object = this.#stored(body, headers);
        this.objects.set(key, object);
        return ok('', headersOf(object));
      }
      case 'HEAD':
      case 'GET':
        return this.#get(key, headers, operation);
      case 'DELETE':
        this.objects.delete(key);
        return { status: 204, headers: {}, content: '' };
      case 'POST ?uploads': {
        this.#uploadsMade += 1;
        const id = `upload-${this.#uploadsMade}`;
        this.uploads.set(id, { key, headers, parts: new Map() });
        return ok(
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case 'PUT ?uploadId': {
        const part = this.#stored(body, headers);
        upload?.parts.set(Number(query.get('partNumber')), part);
        return ok('', headersOf(part));
      }
      case 'GET ?uploads':
        return ok(this.#listUploads(query.get('prefix') ?? ''));
      case 'GET ?uploadId':
        return ok(this.#listParts(upload, Number(query.get('part-number-marker') ?? 0)));
      case 'DELETE ?uploadId':
        this.uploads.delete(uploadId);
        return { status: 204, headers: {}, content: '' };
      default:
        return this.#complete(uploadId, upload);
    }
  }

  #stored(body: Buffer, headers: IncomingMessage['headers']): StoredObject {
    const etag = this.#options.opaque ? `opaque-${body.length}` : md5(body);
    const sha256 = this.#options.checksums ? createHash('sha256').update(body).digest('base64') : undefined;
    return { body, etag, sha256, headers };
  }

  #get(key: string, { range = '' }: SeenRequest['headers'], method: string): Answer {
    const object = this.objects.get(key);
    if (object === undefined)
      return method === 'HEAD' ? { status: 404, headers: {}, content: '' } : errorAnswer(404, 'NoSuchKey');
    const [from = 0, to = object.body.length - 1] = range.match(/\d+/g)?.map(Number) ?? [];
    const body = object.body.subarray(from, to + 1);
    return ok(method === 'HEAD' ? '' : body, { ...headersOf(object), 'content-length': body.length });
  }

  #listUploads(prefix: string): string {
    const open = [...this.uploads].filter(([, { key }]) => key.startsWith(prefix));
    const shown = open.map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    return `<ListMultipartUploadsResult>${shown.join('')}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`;
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

  #complete(uploadId: string, upload: OpenUpload | undefined): Answer {
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
    return ok(
      `<CompleteMultipartUploadResult><ETag>"${etag}"</ETag>${checksum}</CompleteMultipartUploadResult>`,
    );
  }
}

function ok(content: Buffer | string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status: 200, headers, content };
}

function headersOf({ etag, sha256 }: StoredObject): OutgoingHttpHeaders {
  return { etag: `"${etag}"`, ...(sha256 === undefined ? {} : { 'x-amz-checksum-sha256': sha256 }) };
}

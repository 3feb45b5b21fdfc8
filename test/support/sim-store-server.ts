// What an S3 server holds and answers, without a network: objects, multipart uploads, conditions, digests.
// It always answers correctly; sim-store-network makes everything that goes wrong on the way.
import { createHash } from 'node:crypto';

export interface StoreRequest {
  readonly method: string;
  /** Path-style and still encoded: `/bucket/key`. */
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Not what its sender sent. */
  readonly damaged?: boolean;
}

export interface StoreAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** How this store differs from others. */
export interface StoreTraits {
  readonly conditions: 'honour' | 'ignore' | 'refuse';
  /** ETags that are no digests. */
  readonly opaqueEtags: boolean;
  /** Keeps and answers SHA-256 checksums. */
  readonly checksums: boolean;
  /** Refuses a body that does not match its Content-MD5. */
  readonly checksMd5: boolean;
}

interface Stored {
  readonly body: Buffer;
  readonly etag: string;
  readonly sha256: string | undefined;
  readonly damaged: boolean;
}

interface OpenUpload {
  readonly key: string;
  readonly parts: Map<number, Stored>;
  /** A part has arrived, whatever became of it. */
  used: boolean;
}

const EMPTY = Buffer.alloc(0);

export class SimStoreServer {
  readonly objects = new Map<string, Stored>();
  readonly uploads = new Map<string, OpenUpload>();
  /** Uploads that were ended, one way or the other. */
  endedUploads = 0;
  readonly traits: StoreTraits;
  /** What is answered to a write of this content to this key, where it is refused. */
  refusal: (key: string, body: Buffer) => StoreAnswer | undefined = () => undefined;
  #made = 0;

  constructor(traits: StoreTraits) {
    this.traits = traits;
  }

  /** Another client's object, or one that was there before. */
  put(key: string, body: Buffer, damaged = false): void {
    this.objects.set(key, this.#stored(body, damaged));
  }

  /** Another client's upload. */
  begin(key: string): string {
    this.#made += 1;
    const uploadId = `upload-${this.#made}`;
    this.uploads.set(uploadId, { key, parts: new Map(), used: false });
    return uploadId;
  }

  perform(request: StoreRequest): StoreAnswer {
    const key = decodeURIComponent(request.path.split('/').slice(2).join('/'));
    const { uploadId, uploads } = request.query;
    const isWrite = request.method === 'PUT' || (request.method === 'POST' && uploads === undefined);
    if (isWrite) {
      const bad = this.refusal(key, request.body);
      if (bad !== undefined) return bad;
      const refused = this.#refuse(request, key);
      if (refused !== undefined) return refused;
    }
    if (uploads !== undefined && request.method === 'GET')
      return this.#listUploads(String(request.query.prefix));
    if (uploads !== undefined)
      return xml(
        `<InitiateMultipartUploadResult><UploadId>${this.begin(key)}</UploadId></InitiateMultipartUploadResult>`,
      );
    if (typeof uploadId === 'string') return this.#performOnUpload(request, uploadId, key);
    switch (request.method) {
      case 'PUT':
        this.put(key, request.body, request.damaged);
        return this.#answered(this.objects.get(key));
      case 'DELETE':
        this.objects.delete(key);
        return { status: 204, headers: {}, body: EMPTY };
      default:
        return this.#read(request, key);
    }
  }

  #refuse({ headers, body, query }: StoreRequest, key: string): StoreAnswer | undefined {
    const md5 = headers['content-md5'];
    if (this.traits.checksMd5 && md5 !== undefined && md5 !== digest('md5', body).toString('base64'))
      return fail(400, 'BadDigest');
    if (headers['if-none-match'] !== '*' || query.partNumber !== undefined) return undefined;
    if (this.traits.conditions === 'refuse') return fail(501, 'NotImplemented');
    if (this.traits.conditions === 'honour' && this.objects.has(key)) return fail(412, 'PreconditionFailed');
    return undefined;
  }

  #performOnUpload(request: StoreRequest, uploadId: string, key: string): StoreAnswer {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) return fail(404, 'NoSuchUpload');
    switch (request.method) {
      case 'PUT': {
        const part = this.#stored(request.body, request.damaged);
        upload.parts.set(Number(request.query.partNumber), part);
        upload.used = true;
        return this.#answered(part);
      }
      case 'GET':
        return this.#listParts(upload, Number(request.query['part-number-marker'] ?? 0));
      case 'DELETE':
        this.uploads.delete(uploadId);
        this.endedUploads += 1;
        return { status: 204, headers: {}, body: EMPTY };
      default:
        return this.#complete(request, uploadId, upload);
    }
  }

  #complete(request: StoreRequest, uploadId: string, upload: OpenUpload): StoreAnswer {
    const wanted = [...request.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(?:"|&quot;)?([^<"&]+)/.exec(part)?.[1],
    }));
    const parts: Stored[] = [];
    for (const { number, etag } of wanted) {
      const part = upload.parts.get(number);
      if (part === undefined || part.etag !== etag) return fail(400, 'InvalidPart');
      parts.push(part);
    }
    const composed = (algorithm: string) =>
      digest(algorithm, Buffer.concat(parts.map(({ body }) => digest(algorithm, body))));
    const etag = `${this.traits.opaqueEtags ? `opaque${uploadId.slice(7)}` : composed('md5').toString('hex')}-${parts.length}`;
    const sha256 = this.traits.checksums
      ? `${composed('sha256').toString('base64')}-${parts.length}`
      : undefined;
    const body = Buffer.concat(parts.map((part) => part.body));
    const damaged = parts.some((part) => part.damaged);
    this.objects.set(upload.key, { body, etag, sha256, damaged });
    this.uploads.delete(uploadId);
    this.endedUploads += 1;
    const checksum = sha256 === undefined ? '' : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
    return xml(
      `<CompleteMultipartUploadResult><ETag>"${etag}"</ETag>${checksum}</CompleteMultipartUploadResult>`,
    );
  }

  #listUploads(prefix: string): StoreAnswer {
    const open = [...this.uploads].filter(([, { key }]) => key.startsWith(prefix));
    const shown = open.map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    return xml(
      `<ListMultipartUploadsResult>${shown.join('')}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`,
    );
  }

  /** Two parts a page, so that paging is used. */
  #listParts(upload: OpenUpload, marker: number): StoreAnswer {
    const left = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > marker);
    const page = left.slice(0, 2);
    const shown = page.map(([number, { etag, body, sha256 }]) => {
      const checksum = sha256 === undefined ? '' : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
      return `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag><Size>${body.length}</Size>${checksum}</Part>`;
    });
    const next = `<NextPartNumberMarker>${page.at(-1)?.[0] ?? marker}</NextPartNumberMarker>`;
    const more = `<IsTruncated>${left.length > page.length}</IsTruncated>`;
    return xml(`<ListPartsResult>${shown.join('')}${more}${next}</ListPartsResult>`);
  }

  #read({ method, headers }: StoreRequest, key: string): StoreAnswer {
    const object = this.objects.get(key);
    if (object === undefined && method === 'HEAD') return { status: 404, headers: {}, body: EMPTY };
    if (object === undefined) return fail(404, 'NoSuchKey');
    if (headers['if-match'] !== undefined && headers['if-match'] !== `"${object.etag}"`)
      return fail(412, 'PreconditionFailed');
    const [from = 0, to = object.body.length - 1] = (headers.range ?? '').match(/\d+/g)?.map(Number) ?? [];
    const body = object.body.subarray(from, to + 1);
    const answered = this.#answered(object);
    return {
      status: headers.range === undefined ? 200 : 206,
      headers: { ...answered.headers, 'content-length': String(body.length) },
      body: method === 'HEAD' ? EMPTY : body,
    };
  }

  #answered(object: Stored | undefined): StoreAnswer {
    const sha256 = object?.sha256 === undefined ? {} : { 'x-amz-checksum-sha256': object.sha256 };
    return { status: 200, headers: { etag: `"${object?.etag}"`, ...sha256 }, body: EMPTY };
  }

  #stored(body: Buffer, damaged = false): Stored {
    this.#made += 1;
    return {
      body,
      damaged,
      etag: this.traits.opaqueEtags ? `opaque${this.#made}` : digest('md5', body).toString('hex'),
      sha256: this.traits.checksums ? digest('sha256', body).toString('base64') : undefined,
    };
  }
}

export function fail(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): StoreAnswer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

function xml(text: string): StoreAnswer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

function digest(algorithm: string, bytes: Buffer): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

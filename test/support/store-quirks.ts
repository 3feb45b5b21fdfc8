// How a store departs from S3, played on top of the embedded server: what it refuses or ignores of a request whose
// signature stands, and how it words its answers.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { S3Bucket } from './s3-bucket.ts';

export type S3Operation =
  | 'PutObject'
  | 'HeadObject'
  | 'GetObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads'
  | 'Other';

export interface Asked {
  readonly operation: S3Operation;
  readonly key: string;
  readonly query: URLSearchParams;
  /** What is deleted here the store does not see. */
  readonly headers: IncomingHttpHeaders;
  readonly bucket: S3Bucket;
}

export type AnswerHeaders = Record<string, string | number | undefined>;

export interface Quirks {
  /** Throws an S3Error to refuse. */
  readonly ask?: (asked: Asked) => void;
  /** Changes the headers of an answer that is no error. */
  readonly head?: (headers: AnswerHeaders, asked: Asked) => void;
  /** Changes the document of an answer that is no error. */
  readonly document?: (xml: string, asked: Asked) => string;
  /** How this store writes an ETag, and what it means by one. */
  readonly etag?: { readonly show: (etag: string) => string; readonly read: (shown: string) => string };
}

export function operationOf(method: string | undefined, key: string, query: URLSearchParams): S3Operation {
  if (key === '') return query.has('uploads') ? 'ListMultipartUploads' : 'Other';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  const ofUpload: Record<string, S3Operation> = {
    PUT: 'UploadPart',
    GET: 'ListParts',
    DELETE: 'AbortMultipartUpload',
  };
  const ofObject: Record<string, S3Operation> = {
    ...{ PUT: 'PutObject', GET: 'GetObject' },
    ...{ HEAD: 'HeadObject', DELETE: 'DeleteObject' },
  };
  return (query.has('uploadId') ? ofUpload : ofObject)[method ?? ''] ?? 'Other';
}

/** Has the answer to `asked` worded as the quirks say. */
export function wordAnswer(response: ServerResponse, quirks: Quirks, asked: Asked): void {
  const writeHead = response.writeHead.bind(response);
  const end = response.end.bind(response);
  let held: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
  Object.assign(response, {
    writeHead(status: number, headers: AnswerHeaders = {}) {
      const told: AnswerHeaders = { ...headers };
      if (status < 300) {
        if (typeof told.etag === 'string')
          told.etag = told.etag.replace(/[^"]+/, (etag) => quirks.etag?.show(etag) ?? etag);
        quirks.head?.(told, asked);
      }
      const isDocument = told['content-type'] === 'application/xml' && asked.operation !== 'GetObject';
      if (isDocument && status < 300) held = { status, headers: told };
      else writeHead(status, defined(told));
      return response;
    },
    end(chunk?: string | Buffer) {
      if (held === undefined) return chunk === undefined ? end() : end(chunk);
      const shown = String(chunk).replace(
        /(<ETag>(?:"|&#34;)?)([^<"&]+)/g,
        (_, before: string, etag: string) => before + (quirks.etag?.show(etag) ?? etag),
      );
      const document = quirks.document?.(shown, asked) ?? shown;
      writeHead(held.status, defined({ ...held.headers, 'content-length': Buffer.byteLength(document) }));
      return end(document);
    },
  });
}

function defined(headers: AnswerHeaders): Record<string, string | number> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string | number>;
}

/** For the server: what is asked, with its own headers. */
export function askedOf(
  request: IncomingMessage,
  key: string,
  query: URLSearchParams,
  bucket: S3Bucket,
): Asked {
  return { operation: operationOf(request.method, key, query), key, query, headers: request.headers, bucket };
}

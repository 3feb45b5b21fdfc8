// The answers of the null S3 server: status, headers and the XML that S3 clients expect.
import type { ServerResponse } from 'node:http';
import type { ListedPage, StoredObject } from './null-buckets.ts';

type Headers = Readonly<Record<string, string>>;

export class S3Answer {
  readonly #status: number;
  readonly #headers: Headers;
  readonly #body: string | Buffer;

  constructor(status: number, headers: Headers, body: string | Buffer) {
    this.#status = status;
    this.#headers = headers;
    this.#body = body;
  }

  static ok(body: string, headers: Headers = {}): S3Answer {
    return new S3Answer(
      200,
      { ...(body === '' ? {} : { 'content-type': 'application/xml' }), ...headers },
      body,
    );
  }

  static empty(): S3Answer {
    return new S3Answer(204, {}, '');
  }

  static error(status: number, code: string, message: string): S3Answer {
    return new S3Answer(
      status,
      { 'content-type': 'application/xml' },
      xml('Error', { Code: code, Message: message }),
    );
  }

  static head(object: StoredObject): S3Answer {
    return S3Answer.object(object, '');
  }

  static object(object: StoredObject, body: string | Buffer): S3Answer {
    const headers = {
      ...object.headers,
      etag: `"${object.etag}"`,
      'content-length': `${object.sizeBytes}`,
      'last-modified': object.modified.toUTCString(),
    };
    return new S3Answer(200, headers, body);
  }

  static listing(bucket: string, page: ListedPage, second: boolean): S3Answer {
    const objects = page.objects.map(([key, object]) =>
      xml('Contents', {
        Key: key,
        ETag: `"${object.etag}"`,
        Size: object.sizeBytes,
        LastModified: object.modified.toISOString(),
      }),
    );
    const prefixes = page.prefixes.map((prefix) => xml('CommonPrefixes', { Prefix: prefix }));
    const more =
      page.next === undefined ? {} : { [second ? 'NextContinuationToken' : 'NextMarker']: page.next };
    const fields = {
      Name: bucket,
      IsTruncated: `${page.next !== undefined}`,
      KeyCount: objects.length,
      ...more,
    };
    return S3Answer.ok(xml('ListBucketResult', fields, [...objects, ...prefixes]));
  }

  static parts(bucket: string, key: string, parts: ReadonlyMap<number, StoredObject>): S3Answer {
    const rows = [...parts].sort(([a], [b]) => a - b);
    const listed = rows.map(([number, part]) =>
      xml('Part', { PartNumber: number, ETag: `"${part.etag}"`, Size: part.sizeBytes }),
    );
    return S3Answer.ok(xml('ListPartsResult', { Bucket: bucket, Key: key, IsTruncated: 'false' }, listed));
  }

  /** Without a body the headers go out as they stand: the answer to a HEAD names a length it does not send. */
  send(response: ServerResponse, withoutBody: boolean): void {
    const length = this.#headers['content-length'] ?? `${Buffer.byteLength(this.#body)}`;
    response.writeHead(this.#status, {
      ...this.#headers,
      ...(this.#status === 204 ? {} : { 'content-length': length }),
    });
    response.end(withoutBody ? undefined : this.#body);
  }
}

/** One element with plain fields and ready-made children. */
export function xml(
  name: string,
  fields: Readonly<Record<string, string | number>>,
  children: readonly string[] = [],
): string {
  const quoted = (text: string) => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const inner = Object.entries(fields).map(([field, value]) => `<${field}>${quoted(`${value}`)}</${field}>`);
  return `<${name}>${inner.join('')}${children.join('')}</${name}>`;
}

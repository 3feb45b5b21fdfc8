// What the header fields of an upload say, and which of them are refused: the content must be the
// bytes of one whole file.
import type { IncomingMessage } from 'node:http';
import type { IngestPlace } from './ingest-options.ts';
import { Refusal } from './refusal.ts';
import { tooLarge } from './upload-body.ts';

/** Media types that wrap the file, or whose senders (curl -d) change it. */
const WRAPPERS = new Set(['application/json', 'application/x-www-form-urlencoded']);

/**
 * Returns the length of the content, or undefined if it comes in chunks. Throws a Refusal.
 */
export function statedLength(
  { headers, httpVersion }: IncomingMessage,
  maxBytes: number,
): number | undefined {
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  // Node.js has refused a request with both, with two lengths, or with a length that is no number.
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked' || httpVersion !== '1.1')
      throw new Refusal('bad-request', 'The only transfer coding is chunked, in HTTP/1.1');
    return undefined;
  }
  if (length === undefined)
    throw new Refusal('length-required', 'Send Content-Length, or Transfer-Encoding: chunked');
  const bytes = Number(length);
  if (bytes > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/** Throws a Refusal if the content is only a part of a file, or is not the file as it is. */
export function refuseOtherContent({ headers }: IncomingMessage, hint: () => string): void {
  if (headers['content-range'] !== undefined)
    throw new Refusal('bad-request', 'A file is sent as a whole: send it without Content-Range');
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (coding !== '' && coding !== 'identity')
    throw new Refusal(
      'unsupported-media-type',
      'The file is stored as it is sent: send it without Content-Encoding',
      { headers: { 'Accept-Encoding': 'identity' } },
    );
  const type = mediaType(headers['content-type']);
  if (WRAPPERS.has(type) || type.startsWith('multipart/'))
    throw new Refusal(
      'unsupported-media-type',
      `The content is the bytes of the file alone, neither in JSON nor in a form: ${hint()}`,
    );
}

/** In lower case, without parameters. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1).join('').trim().toLowerCase();
}

/** A command that sends a file to where this request was sent. */
export function curlLine(request: IncomingMessage, path: string, listen: IngestPlace): string {
  const { headers, socket, method } = request;
  const isTls = 'encrypted' in socket;
  const host = /^[\w.:[\]-]+$/.test(headers.host ?? '') ? headers.host : 'HOST';
  const place = `${isTls ? 'https' : 'http'}://${host}${path.replaceAll("'", '%27')}`;
  const way = listen.kind === 'unix' ? ` --unix-socket ${listen.path}` : '';
  const content =
    method === 'POST' ? "-H 'Content-Type: image/jpeg' --data-binary @FILE" : '--upload-file FILE';
  return `curl${way} -H 'Authorization: Bearer TOKEN' ${content} '${place}'`;
}

// What answers a request that the parser of Node.js refuses, and so never becomes a request.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { errnoOf } from '../system/fault.ts';
import { http } from '../system/node-http.ts';
import { ANSWER_HEADERS } from './exchange.ts';
import { Refusal } from './refusal.ts';

/**
 * Undefined if the connection has failed, or if nothing was sent on it. The codes are those of
 * https://nodejs.org/api/errors.html and of llhttp.
 */
export function unreadableRefusal(
  error: Error,
  { bytesRead }: Pick<Socket, 'bytesRead'>,
): Refusal | undefined {
  const code = errnoOf(error) ?? '';
  const isParsers = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
  if (!isParsers || bytesRead === 0) return undefined;
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal('headers-too-large', 'Send fewer or shorter header fields');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('too-slow', 'The header fields come too slowly');
    default:
      return malformed(error);
  }
}

/**
 * Why no more of a request's content can be read. Without the error of the parser, the connection
 * has failed.
 */
export function unfinishedRefusal(error: unknown, receivedBytes: number): Refusal {
  if (error instanceof Error && errnoOf(error) !== 'HPE_INVALID_EOF_STATE') return malformed(error);
  return new Refusal(
    'incomplete',
    `The connection ended after ${receivedBytes} bytes of the content: send the file again`,
  );
}

function malformed({ message }: Error): Refusal {
  return new Refusal('bad-request', `This is no request in HTTP/1.1: ${message}`);
}

/** Throws a Refusal if the request is not certain to mean the same to every server on its way. */
export function refuseUnclear({ headersDistinct, httpVersion }: IncomingMessage): void {
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    throw new Refusal('bad-request', 'The only versions of HTTP here are 1.1 and 1.0');
  // RFC 9112, section 3.2.
  const hosts = headersDistinct.host?.length ?? 0;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
    throw new Refusal('bad-request', 'A request has the header field Host once');
}

/** The bytes of the answer. */
export function wireAnswer({ status, headers, body }: Refusal): string {
  const fields = {
    ...ANSWER_HEADERS,
    'Content-Type': 'application/problem+json',
    'Content-Length': `${Buffer.byteLength(body)}`,
    ...headers,
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n');
}

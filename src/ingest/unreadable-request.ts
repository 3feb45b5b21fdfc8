// What answers a request that the parser of Node.js refuses, and so never becomes a request.
import { STATUS_CODES } from 'node:http';
import { errnoOf } from '../system/fault.ts';
import { Refusal } from './refusal.ts';

/** https://nodejs.org/api/errors.html, and llhttp's names. */
export function unreadableRefusal(error: Error): Refusal {
  switch (errnoOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal('headers-too-large', 'Send fewer or shorter header fields');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('too-slow', 'The header fields come too slowly');
    default:
      return new Refusal('bad-request', `This is no request in HTTP/1.1: ${error.message}`);
  }
}

/** The bytes of the answer. */
export function wireAnswer({ status, headers, body }: Refusal): string {
  const fields = {
    'Content-Type': 'application/problem+json',
    'Content-Length': `${Buffer.byteLength(body)}`,
    ...headers,
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n');
}

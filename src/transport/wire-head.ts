// The head of a request as text. It is made once, in the main thread, and written to the connection
// as it is: one string crosses between the threads, and nothing is made of it on the other side.
import { buildQueryString } from '@smithy/core/protocols';
import type { RequestHead } from './http-request.ts';

/** Plain data, because it crosses to the sending thread. */
export interface WireHead {
  readonly method: string;
  /** `http:` or `https:`. */
  readonly protocol: string;
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  /** Undefined means the protocol's own. */
  readonly port: number | undefined;
  /** Path and query, percent-encoded. */
  readonly target: string;
  /** The header lines, each with its line end. */
  readonly fields: string;
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** RFC 9110, section 5.5, with the bytes above ASCII that it tolerates. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^[\x21-\x7e]+$/;
/** Methods whose requests have no body. */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE']);

/**
 * Throws a TypeError for what would not be one request: a line end within a header, for example.
 * `bodyBytes` is announced if the headers do not.
 */
export function wireHead(request: RequestHead, bodyBytes: number): WireHead {
  const { method, protocol, hostname, port, path, query, headers } = request;
  const questions = query === undefined ? '' : buildQueryString(query);
  const target = questions === '' ? path : `${path}?${questions}`;
  if (!TARGET.test(target)) throw invalid('ERR_UNESCAPED_CHARACTERS', `the path ${target}`);
  let fields = '';
  let isAnnounced = bodyBytes === 0 && WITHOUT_BODY.has(method);
  for (const name in headers) {
    const value = `${headers[name]}`;
    if (!TOKEN.test(name)) throw invalid('ERR_INVALID_HTTP_TOKEN', `the header name ${name}`);
    if (!VALUE.test(value)) throw invalid('ERR_INVALID_CHAR', `the value of the header ${name}`);
    fields += `${name}: ${value}\r\n`;
    isAnnounced ||= name.toLowerCase() === 'content-length';
  }
  if (!isAnnounced) fields += `content-length: ${bodyBytes}\r\n`;
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { method, protocol, host, port, target, fields };
}

function invalid(code: string, what: string): TypeError {
  return Object.assign(new TypeError(`${what} has characters that a request cannot carry`), { code });
}

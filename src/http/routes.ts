// From a request to its answer: the Host, the token, the path and the method are checked in this
// order, so that a stranger does not learn what there is.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isOwnHost } from './host-check.ts';
import type { Answer } from './http-server.ts';
import { TokenGate } from './token-gate.ts';

export interface Access {
  /** Names of this machine besides its addresses. */
  readonly hosts: readonly string[];
  /** The key of `hosts` in the config file, for hints. */
  readonly hostsSetting: string;
  /** Undefined: every client is let in. */
  readonly token: TokenGate | undefined;
}

/** What answers GET and HEAD. Node.js leaves the body out of an answer to HEAD. */
export type Get = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Answers by exact path, such as `/metrics`. */
export type Routes = ReadonlyMap<string, Get>;

export interface RoutesPorts {
  readonly routes: Routes;
  /** Asked for each request, because a reload changes it. */
  readonly access: () => Access;
  /** An answer failed. The client has been told so, if possible. */
  readonly onError: (error: unknown) => void;
}

/**
 * Every answer has these: the browser does not guess its type, frame it, keep it or give it to
 * other sites, and it loads and runs nothing. A page replaces the policy by its own.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  Server: 'halfpipe',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

export function answerBy({ routes, access, onError }: RoutesPorts): Answer {
  return (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const get = routeOf(request, response, routes, access());
    if (get === undefined) return;
    const fail = (error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'the answer failed: the log says why');
    };
    try {
      const answered = get(request, response);
      if (answered instanceof Promise) answered.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

/** Undefined if the request has been refused. */
function routeOf(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  { hosts, hostsSetting, token }: Access,
): Get | undefined {
  const { method = '', url = '', headers, socket } = request;
  const refuse = (status: number, text: string) => {
    // The rest of a refused request is not read.
    if (method !== 'GET' && method !== 'HEAD') response.setHeader('Connection', 'close');
    sendText(response, status, text);
    return undefined;
  };
  if (!isOwnHost(headers.host, socket.localAddress, hosts)) {
    return refuse(
      421,
      `this server does not answer to the name in the Host header: add it to ${hostsSetting}`,
    );
  }
  if (token !== undefined && !token.admits(headers.authorization)) {
    response.setHeader('WWW-Authenticate', TokenGate.CHALLENGES);
    return refuse(401, 'this needs the token: as Authorization: Bearer TOKEN, or as the password');
  }
  const [path = ''] = url.split('?', 1);
  const get = routes.get(path);
  if (get === undefined) return refuse(404, `there are ${[...routes.keys()].join(', ')}`);
  if (method === 'GET' || method === 'HEAD') return get;
  response.setHeader('Allow', 'GET, HEAD');
  return refuse(405, 'this can only be read');
}

/** Answers with one line of text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

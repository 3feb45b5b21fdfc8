// Stands before any S3 server and spoils requests as told. What it does not spoil passes byte for byte, so signatures
// stand; what it damages it signs anew, so that the server stores the damage. It never answers `100 Continue`.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Credentials } from './built-daemon.ts';
import { signatureOf } from './s3-signature.ts';

export type WireFault =
  /** Breaks the connection once so many bytes of the body have come; what came goes no further. */
  | { readonly kind: 'reset'; readonly atByte: number }
  /** Neither reads nor answers. */
  | { readonly kind: 'stall' }
  /** Answers in the server's place; `early` before the body was read. Nothing is carried out. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Of an <Error> document; absent: an empty answer. */
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly early?: boolean;
    }
  /** Carried out; then the connection breaks before the answer. */
  | { readonly kind: 'drop-answer' }
  /** The connection breaks now; the request is carried out so much later, past its retry. */
  | { readonly kind: 'late'; readonly byMs: number }
  /** The server stores, and answers for, other bytes than were sent. */
  | { readonly kind: 'damage'; readonly how: 'flip-byte' | 'truncate' };

export interface Passing {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the body, as far as they have come. */
  bodyBytes: number;
  /** What was done to it. */
  fault: WireFault | undefined;
  /** Of the answer that was passed on. */
  status: number | undefined;
}

export class FaultProxy {
  /** Every request that came, in order. */
  readonly seen: Passing[] = [];
  /** Asked when a request's head has come; undefined lets it pass. */
  plan: (request: Passing) => WireFault | undefined = () => undefined;
  readonly #upstream: URL;
  readonly #credentials: Credentials;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #late = new Set<Promise<void>>();
  readonly #server = createServer();
  #port = 0;

  /** `credentials` are the server's, to sign what is damaged. */
  constructor(upstream: string, credentials: Credentials) {
    this.#upstream = new URL(upstream);
    this.#credentials = credentials;
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    };
    this.#server.on('request', serve);
    // Whoever waits for 100 Continue waits in vain.
    this.#server.on('checkContinue', serve);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, at the same port as before. */
  async start(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on, and breaks those there are. Resolves when late requests have been carried out. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await Promise.all(this.#late);
    this.#agent.destroy();
  }

  /** Resolves when no request is left that is to be carried out late. */
  async settled(): Promise<void> {
    await Promise.all(this.#late);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const passing: Passing = { method, url, headers, bodyBytes: 0, fault: undefined, status: undefined };
    this.seen.push(passing);
    passing.fault = this.plan(passing);
    const { fault } = passing;
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'answer' && fault.early) return answerInstead(response, fault);
    request.on('data', (chunk: Buffer) => {
      passing.bodyBytes += chunk.length;
      if (fault?.kind === 'reset' && passing.bodyBytes >= fault.atByte) request.socket.resetAndDestroy();
    });
    if (fault === undefined) return this.#pass(request, response, passing);
    // The 'data' listener above counts; this one keeps.
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    switch (fault.kind) {
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'answer':
        return answerInstead(response, fault);
      case 'drop-answer':
        await this.#carryOut(method, url, headers, body);
        request.socket.resetAndDestroy();
        return;
      case 'late':
        request.socket.resetAndDestroy();
        return this.#carryOutLater(fault.byMs, method, url, headers, body);
      case 'damage': {
        const spoilt = damaged(body, fault.how);
        const answer = await this.#carryOut(method, url, this.#signed(method, url, headers, spoilt), spoilt);
        passing.status = answer.statusCode;
        response.writeHead(answer.statusCode ?? 500, answer.rawHeaders).end(answer.content);
      }
    }
  }

  async #pass(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<void> {
    const { hostname, port } = this.#upstream;
    const { method, url } = passing;
    const onward = send({ hostname, port, method, path: url, headers: request.headers, agent: this.#agent });
    // A client that goes away in the middle has sent no request.
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy();
    });
    onward.on('error', () => request.socket.destroy());
    onward.on('response', (answer) => {
      passing.status = answer.statusCode;
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.pipe(response);
      answer.on('error', () => request.socket.destroy());
    });
    request.pipe(onward);
  }

  async #carryOut(method: string, url: string, headers: IncomingHttpHeaders, body: Buffer) {
    const { hostname, port } = this.#upstream;
    const onward = send({ hostname, port, method, path: url, headers, agent: this.#agent });
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    const { statusCode, rawHeaders } = answer;
    return { statusCode, rawHeaders, content: Buffer.concat(chunks) };
  }

  #carryOutLater(byMs: number, ...args: [string, string, IncomingHttpHeaders, Buffer]): void {
    const done = new Promise((resolve) => setTimeout(resolve, byMs))
      .then(() => this.#carryOut(...args))
      // By now the server may refuse it, or be gone: nobody waits for the answer.
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#late.delete(done));
    this.#late.add(done);
  }

  #signed(method: string, url: string, headers: IncomingHttpHeaders, body: Buffer): IncomingHttpHeaders {
    const kept = Object.entries(headers).filter(
      ([name]) => !/^(content-md5|x-amz-checksum-.*|x-amz-sdk-checksum-algorithm|authorization)$/.test(name),
    );
    const next: IncomingHttpHeaders = {
      ...Object.fromEntries(kept),
      'content-length': String(body.length),
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    };
    const { accessKeyId, secretAccessKey } = this.#credentials;
    const scope = [String(headers['x-amz-date']).slice(0, 8), 'us-east-1', 's3', 'aws4_request'];
    const names = 'host;x-amz-content-sha256;x-amz-date';
    const signature = signatureOf({ method, url, headers: next }, secretAccessKey, scope, names).toString(
      'hex',
    );
    const credential = [accessKeyId, ...scope].join('/');
    next.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
    return next;
  }
}

function answerInstead(response: ServerResponse, fault: WireFault & { kind: 'answer' }): void {
  const { status, code, headers = {} } = fault;
  const text = code === undefined ? '' : `<Error><Code>${code}</Code><Message>as told</Message></Error>`;
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': text.length,
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? '' : text);
}

function damaged(body: Buffer, how: 'flip-byte' | 'truncate'): Buffer {
  if (how === 'truncate') return body.subarray(0, Math.max(0, body.length - 1));
  const flipped = Buffer.from(body);
  const middle = body.length >> 1;
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  return flipped;
}

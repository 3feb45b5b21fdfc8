// A proxy in front of any S3 server that spoils requests as a test asks. Other requests pass byte for byte, so their
// signatures stay valid. It signs damaged requests again, so that the server stores the damage. It never answers
// `100 Continue`.
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
import { type Answer, FaultyWire, type WireFault } from './wire-fault.ts';

export interface Passing {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the body, as far as they have come. */
  bodyBytes: number;
  /** What was done to it. */
  fault: WireFault | undefined;
  /** Of the server's answer, whether or not it was passed on. */
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
  readonly #wire = new FaultyWire();
  readonly #server = createServer();
  #port = 0;

  /** `credentials` are the server's, to sign what is damaged. */
  constructor(upstream: string, credentials: Credentials) {
    this.#upstream = new URL(upstream);
    this.#credentials = credentials;
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => request.destroy());
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
    await this.#wire.settled();
    this.#agent.destroy();
  }

  /** Resolves when no request is left that is to be carried out late. */
  async settled(): Promise<void> {
    await this.#wire.settled();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const passing: Passing = { method, url, headers, bodyBytes: 0, fault: undefined, status: undefined };
    this.seen.push(passing);
    passing.fault = this.plan(passing);
    const onBytes = (count: number) => {
      passing.bodyBytes += count;
    };
    if (passing.fault === undefined) {
      request.on('data', (chunk: Buffer) => onBytes(chunk.length));
      return this.#pass(request, response, passing);
    }
    const carryOut = async (body: Buffer, isDamaged: boolean) => {
      const sent = isDamaged ? this.#signed(method, url, headers, body) : headers;
      const answer = await this.#carryOut(method, url, sent, body);
      passing.status = answer.status;
      return answer;
    };
    await this.#wire.serve(request, response, passing.fault, carryOut, onBytes);
  }

  async #pass(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<void> {
    const { hostname, port } = this.#upstream;
    const { method, url } = passing;
    const onward = send({ hostname, port, method, path: url, headers: request.headers, agent: this.#agent });
    // A client that goes away in the middle has sent no request.
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy();
    });
    onward.on('error', () => {
      if (passing.status === undefined) request.socket.destroy();
    });
    onward.on('response', (answer) => {
      passing.status = answer.statusCode;
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.pipe(response);
      answer.on('error', () => request.socket.destroy());
    });
    request.pipe(onward);
  }

  async #carryOut(method: string, url: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#upstream;
    const onward = send({ hostname, port, method, path: url, headers, agent: this.#agent });
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
    // Swift ends the answer to a HEAD with a chunk that must not be there: then the connection breaks after all was said.
    onward.on('error', () => undefined);
    onward.end(body);
    const [answer] = await answered;
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    const { statusCode = 500, rawHeaders } = answer;
    return { status: statusCode, headers: rawHeaders, content: Buffer.concat(chunks) };
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

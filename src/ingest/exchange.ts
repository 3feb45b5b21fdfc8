// One request and its answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../system/clock.ts';
import type { Refusal } from './refusal.ts';
import type { RequestTarget } from './request-target.ts';

/** Every answer has these. */
export const ANSWER_HEADERS = {
  'Cache-Control': 'no-store',
  Server: 'halfpipe',
  'X-Content-Type-Options': 'nosniff',
};
/** A client that does not take its answer for this long is gone. Answers are short. */
const ANSWER_MS = 10_000;
/** More of a path that is no name helps no operator. */
const PATH_SHOWN = 200;
/** The rest of a refused upload is read to this length. */
const LINGER_BYTES = 16 * 1024 * 1024;

type Headers = Readonly<Record<string, string | number>>;

export interface ExchangePorts {
  readonly clock: Clock;
  /** How long the rest of a refused upload is read. */
  readonly lingerMs: number;
  /** The request shows a valid token. */
  readonly onAdmitted: () => void;
  /** The request is answered before its end. */
  readonly onLinger: () => void;
}

/** Answer it once: by answer() or by refuse(). */
export class Exchange {
  readonly request: IncomingMessage;
  readonly target: RequestTarget;
  readonly startedAtMs: number;
  /** The path below the spool, as the client sent it, or as it was generated. */
  path: string | undefined;
  /** True: no other request is answered on this connection. */
  isLast = false;
  readonly #response: ServerResponse;
  readonly #ports: ExchangePorts;
  readonly #broken = new AbortController();
  #token: string | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target: RequestTarget,
    ports: ExchangePorts,
  ) {
    this.request = request;
    this.target = target;
    this.path = target.encodedPath === '' ? undefined : target.encodedPath.slice(0, PATH_SHOWN);
    this.startedAtMs = ports.clock.monotonicMs();
    this.#response = response;
    this.#ports = ports;
    // A request that is cut off must not end the process.
    request.on('error', () => undefined);
  }

  /** The name of the token, when it is known to be valid. */
  get token(): string | undefined {
    return this.#token;
  }

  /** The request shows the valid token of this name. */
  admit(token: string): void {
    this.#token = token;
    this.#ports.onAdmitted();
  }

  get isOver(): boolean {
    const { destroyed, headersSent } = this.#response;
    return destroyed || headersSent || this.request.socket.writableEnded;
  }

  /** Aborted when no more of the content can be read. The reason is the parser's error. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** The parser cannot read more of the content. The request is still answered. */
  break(error: Error): void {
    this.#broken.abort(error);
  }

  /** Tells a client that waits for it to send the content. Does nothing for other clients. */
  invite(): void {
    if (this.request.headers.expect !== undefined) this.#response.writeContinue();
  }

  /**
   * Resolves when the client has been told. The connection ends with the answer unless the whole
   * request has come.
   */
  async answer(status: number, headers: Headers, body = ''): Promise<void> {
    if (this.isOver) return;
    const isCut = this.#hasMore();
    // Also for HEAD: some clients close the connection after an answer without it.
    const length = { 'Content-Length': Buffer.byteLength(body) };
    const connection = isCut || this.isLast ? { Connection: 'close' } : {};
    this.#response.writeHead(status, { ...ANSWER_HEADERS, ...length, ...headers, ...connection });
    if (isCut) {
      this.#response.write(body);
      // To close a connection with unread bytes resets it, and the client may lose the answer.
      this.#ports.onLinger();
      await this.#linger();
    }
    if (this.#response.destroyed) return;
    const cancel = this.#ports.clock.schedule(ANSWER_MS, () => this.cut());
    this.#response.once('close', cancel);
    this.#response.end(isCut ? '' : body);
  }

  /** Answers with problem details. */
  async refuse({ status, headers, body }: Refusal): Promise<void> {
    await this.answer(status, { 'Content-Type': 'application/problem+json', ...headers }, body);
  }

  /** Ends the connection without an answer. */
  cut(): void {
    this.request.socket.destroy();
  }

  #hasMore(): boolean {
    const { headers, complete } = this.request;
    return (
      !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)
    );
  }

  /** Resolves when the client has sent everything or has gone, or when it sends too much. */
  async #linger(): Promise<void> {
    const { request } = this;
    if (this.broken.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.clock.schedule(this.#ports.lingerMs, resolve);
      let bytes = 0;
      const over = () => {
        cancel();
        resolve();
      };
      for (const name of ['end', 'error', 'close']) request.once(name, over);
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > LINGER_BYTES) over();
      });
    });
    request.pause();
  }
}

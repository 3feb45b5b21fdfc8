// In the main thread: hands the SDK's requests to the sending thread, and its answers back to the
// SDK.

import { Readable } from 'node:stream';
import { uncarry } from '../system/carried-error.ts';
import type {
  HttpAnswer,
  HttpHandlerOptions,
  HttpRequest,
  RequestHead,
  SmallAnswer,
} from '../transport/http-request.ts';
import { bytesOf, wholeAnswer } from '../transport/paced-handler.ts';
import { signalOf } from '../transport/request-signal.ts';
import { movable, type Order, PIECE_BYTES, type RequestNotice, type SentBytes } from './messages.ts';

/** Sends an order. The buffers in `moved` cannot be used afterwards. */
export type Send = (order: Order, moved?: readonly ArrayBuffer[]) => void;
type Of<Kind extends RequestNotice['kind']> = Extract<RequestNotice, { kind: Kind }>;

const NONE = new Uint8Array(0);

/** A request whose body is being handed over. */
export interface RequestProgress {
  /** The path of the URL, percent-encoded. */
  readonly path: string;
  /** Bytes of the body that had not been sent at the last report. */
  readonly unsentBytes: number;
}

interface Underway {
  readonly path: string;
  /** Released when the answer arrives. */
  body: Uint8Array;
  /** How many bytes of the body have been handed over. */
  offset: number;
  /** How many of them have been sent, as of the last report. */
  sentBytes: number;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** The body of the answer, if it comes in pieces. */
  pieces: Readable | undefined;
  readonly forget: () => void;
}

/**
 * Keeps track of all requests that are in flight. begin() settles like PacedHandler.handle(); an
 * abort gives the request up at once.
 */
export class RemoteRequests {
  readonly #send: Send;
  readonly #underway = new Map<number, Underway>();
  #lastId = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /** How many requests are not over. Their answers may still be arriving. */
  get underWay(): number {
    return this.#underway.size;
  }

  *progress(): Generator<RequestProgress> {
    for (const { path, body, sentBytes } of this.#underway.values())
      yield { path, unsentBytes: Math.max(0, body.byteLength - sentBytes) };
  }

  /** Notes how much of each body has been sent. */
  noteSent(sent: SentBytes): void {
    for (const [id, bytes] of sent) {
      const underway = this.#underway.get(id);
      if (underway !== undefined) underway.sentBytes = bytes;
    }
  }

  /** Like PacedHandler.handle(). `handler` is the number under which the handler was opened. */
  begin(handler: number, request: HttpRequest, options: HttpHandlerOptions = {}): Promise<HttpAnswer> {
    const signal = signalOf(request) ?? (options.abortSignal as AbortSignal | undefined);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const body = bytesOf(request.body);
      if (signal?.aborted) return reject(aborted());
      const onAbort = () => this.#giveUp(id, aborted());
      const forget = () => {
        signal?.removeEventListener('abort', onAbort);
        this.#underway.delete(id);
      };
      const underway: Underway = {
        path: request.path,
        body,
        offset: 0,
        sentBytes: 0,
        resolve,
        reject,
        pieces: undefined,
        forget,
      };
      const { method, protocol, hostname, port, path, query, headers } = request;
      const head = { method, protocol, hostname, port, path, query, headers } as HttpRequest;
      const piece = this.#nextPiece(underway);
      const order = { kind: 'request', id, handler, head, bodyBytes: body.byteLength, piece } as const;
      this.#send(order, piece && [piece.buffer]);
      // Send a second piece as well, so that the sender does not have to wait for us after each
      // one.
      this.#sendPiece(id, underway);
      this.#underway.set(id, underway);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** See SmallExchange. */
  async exchange(
    handler: number,
    head: RequestHead,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<SmallAnswer> {
    return wholeAnswer(await this.begin(handler, { ...head, body } as HttpRequest, { abortSignal: signal }));
  }

  /** Notices about requests that were given up are ignored. */
  receive(notice: RequestNotice): void {
    const underway = this.#underway.get(notice.id);
    if (underway === undefined) return;
    switch (notice.kind) {
      case 'wantsBody':
        return this.#sendPiece(notice.id, underway, notice.empty);
      case 'answer':
        return this.#answer(notice, underway);
      case 'answerBody':
        return void underway.pieces?.push(notice.piece);
      case 'answerEnd':
        underway.forget();
        return void underway.pieces?.push(null);
      case 'failed':
        return this.#fail(underway, uncarry(notice.error));
    }
  }

  #sendPiece(id: number, underway: Underway, empty?: ArrayBuffer): void {
    const piece = this.#nextPiece(underway, empty);
    if (piece !== undefined) this.#send({ kind: 'body', id, piece }, [piece.buffer]);
  }

  #answer({ id, statusCode, reason, headers, body }: Of<'answer'>, underway: Underway): void {
    underway.body = NONE;
    const pieces = body === undefined ? this.#pieces(id, underway) : wholeBody(body);
    underway.resolve({ response: { statusCode, reason, headers, body: pieces } } as HttpAnswer);
    if (body !== undefined) underway.forget();
  }

  #fail(underway: Underway, error: Error): void {
    underway.forget();
    underway.reject(error);
    underway.pieces?.destroy(error);
  }

  #nextPiece(underway: Underway, empty?: ArrayBuffer): Uint8Array<ArrayBuffer> | undefined {
    const { body, offset } = underway;
    if (offset >= body.byteLength) return undefined;
    underway.offset = Math.min(offset + PIECE_BYTES, body.byteLength);
    return movable(body.subarray(offset, underway.offset), empty);
  }

  #giveUp(id: number, error: Error): void {
    const underway = this.#underway.get(id);
    if (underway === undefined) return;
    this.#send({ kind: 'abort', id });
    this.#fail(underway, error);
  }

  #pieces(id: number, underway: Underway): Readable {
    const pieces = new Readable({
      read: () => this.#send({ kind: 'read', id }),
      destroy: (error, callback) => {
        // The rest of the answer is not wanted.
        this.#giveUp(id, error ?? aborted());
        callback(error);
      },
    });
    // Readers still receive the error. Without this listener, an unread body would crash the
    // process.
    pieces.on('error', () => undefined);
    underway.pieces = pieces;
    return pieces;
  }
}

function aborted(): DOMException {
  return new DOMException('the request was aborted', 'AbortError');
}

/**
 * A stream, although all bytes are there: the SDK looks for errors in answers with status 200 only
 * if the body is a stream.
 */
function wholeBody(bytes: Uint8Array): Readable {
  const body = new Readable({ read: () => undefined });
  if (bytes.byteLength > 0) body.push(bytes);
  body.push(null);
  return body;
}

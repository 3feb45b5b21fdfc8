// In the main thread: the SDK's requests on their way through the sending thread, and their answers
// on the way back.

import { Readable } from 'node:stream';
import type { HttpAnswer, HttpHandlerOptions, HttpRequest } from '../transport/http-request.ts';
import { bytesOf } from '../transport/paced-handler.ts';
import { signalOf } from '../transport/request-signal.ts';
import { uncarry } from './carried-error.ts';
import { movable, type Order, PIECE_BYTES, type RequestNotice } from './messages.ts';

/** Bytes in `moved` are gone afterwards. */
export type Send = (order: Order, moved?: readonly ArrayBuffer[]) => void;
type Of<Kind extends RequestNotice['kind']> = Extract<RequestNotice, { kind: Kind }>;

const NONE = new Uint8Array(0);

interface Underway {
  /** Released when the answer arrives. */
  body: Uint8Array;
  /** The part of the body that has been handed over. */
  offset: number;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** The body of the answer, where it comes in pieces. */
  pieces: Readable | undefined;
  readonly forget: () => void;
}

export class RemoteRequests {
  readonly #send: Send;
  readonly #underway = new Map<number, Underway>();
  #lastId = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Requests that are not over: an answer may still be arriving. */
  get underWay(): number {
    return this.#underway.size;
  }

  /** As PacedHandler.handle. */
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
      const underway: Underway = { body, offset: 0, resolve, reject, pieces: undefined, forget };
      const { method, protocol, hostname, port, path, query, headers } = request;
      const head = { method, protocol, hostname, port, path, query, headers } as HttpRequest;
      const piece = this.#nextPiece(underway);
      const order = { kind: 'request', id, handler, head, bodyBytes: body.byteLength, piece } as const;
      this.#send(order, piece && [piece.buffer]);
      // A second one, so that the sender does not wait for us with every piece.
      this.#sendPiece(id, underway);
      this.#underway.set(id, underway);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Notices of requests that were given up mean nothing any more. */
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
 * A stream, though it is all there: the SDK looks for errors in answers of status 200 only in
 * those.
 */
function wholeBody(bytes: Uint8Array): Readable {
  const body = new Readable({ read: () => undefined });
  if (bytes.byteLength > 0) body.push(bytes);
  body.push(null);
  return body;
}

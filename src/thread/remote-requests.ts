// In the main thread: hands requests to the sending thread, and tells what becomes of them.
import { uncarry } from '../system/carried-error.ts';
import type { AnswerSink } from '../transport/outgoing-request.ts';
import { SdkHandler } from '../transport/sdk-handler.ts';
import type { WireHead } from '../transport/wire-head.ts';
import { movable, PIECE_BYTES, type RequestNotice, type RequestOrder, type SentBytes } from './messages.ts';

/** Sends an order. The memory of `moved` cannot be used afterwards. */
export type Send = (order: RequestOrder, moved?: ArrayBuffer) => void;

const NONE = new Uint8Array(0);

/** A request whose body is being handed over. */
export interface RequestProgress {
  /** The path of the URL, percent-encoded. */
  readonly path: string;
  /** Bytes of the body that had not been sent at the last report. */
  readonly unsentBytes: number;
}

interface Underway {
  readonly target: string;
  readonly sink: AnswerSink;
  /** Released when the answer arrives. */
  body: Uint8Array;
  /** How many bytes of the body have been handed over. */
  offset: number;
  /** How many of them have been sent, as of the last report. */
  sentBytes: number;
}

/**
 * Keeps track of all requests that are in flight. An abort gives the request up at once. A body in
 * shared memory crosses as it is, and must not change until its request is over; any other is
 * copied piece by piece.
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
    for (const { target, body, sentBytes } of this.#underway.values())
      yield { path: pathOf(target), unsentBytes: Math.max(0, body.byteLength - sentBytes) };
  }

  /** Notes how much of each body has been sent. */
  noteSent(sent: SentBytes): void {
    for (const [id, bytes] of sent) {
      const underway = this.#underway.get(id);
      if (underway !== undefined) underway.sentBytes = bytes;
    }
  }

  /** What the SDK calls. `handler` is the number under which the handler was opened. */
  handler(handler: number): SdkHandler {
    return new SdkHandler({
      begin: (head, body, sink) => {
        const id = this.#begin(handler, head, body, sink);
        return {
          read: () => this.#send({ kind: 'read', id }),
          abort: () => {
            if (this.#underway.delete(id)) this.#send({ kind: 'abort', id });
          },
        };
      },
      close: () => this.#send({ kind: 'close', handler }),
    });
  }

  /** Notices about requests that were given up are ignored. */
  receive(notice: RequestNotice): void {
    const underway = this.#underway.get(notice.id);
    if (underway === undefined) return;
    const { sink } = underway;
    switch (notice.kind) {
      case 'wantsBody':
        return this.#sendPiece(notice.id, underway, notice.empty);
      case 'answer':
        underway.body = NONE;
        sink.answered(notice.head);
        if (notice.body === undefined) return;
        if (notice.body.byteLength > 0) sink.piece(notice.body);
        return this.#end(notice.id, sink);
      case 'answerBody':
        return sink.piece(notice.piece);
      case 'answerEnd':
        return this.#end(notice.id, sink);
      case 'failed':
        this.#underway.delete(notice.id);
        return sink.failed(uncarry(notice.error));
    }
  }

  #begin(handler: number, head: WireHead, body: Uint8Array, sink: AnswerSink): number {
    this.#lastId += 1;
    const id = this.#lastId;
    const underway: Underway = { target: head.target, sink, body, offset: 0, sentBytes: 0 };
    this.#underway.set(id, underway);
    const order = { kind: 'request', id, handler, head, bodyBytes: body.byteLength } as const;
    if (body.buffer instanceof SharedArrayBuffer) {
      underway.offset = body.byteLength;
      this.#send({ ...order, piece: body });
      return id;
    }
    const piece = this.#nextPiece(underway);
    this.#send({ ...order, piece }, piece?.buffer);
    // Send a second piece as well, so that the sender does not have to wait for us after each one.
    this.#sendPiece(id, underway);
    return id;
  }

  #end(id: number, sink: AnswerSink): void {
    this.#underway.delete(id);
    sink.ended();
  }

  #sendPiece(id: number, underway: Underway, empty?: ArrayBuffer): void {
    const piece = this.#nextPiece(underway, empty);
    if (piece !== undefined) this.#send({ kind: 'body', id, piece }, piece.buffer);
  }

  #nextPiece(underway: Underway, empty?: ArrayBuffer): Uint8Array<ArrayBuffer> | undefined {
    const { body, offset } = underway;
    if (offset >= body.byteLength) return undefined;
    underway.offset = Math.min(offset + PIECE_BYTES, body.byteLength);
    return movable(body.subarray(offset, underway.offset), empty);
  }
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

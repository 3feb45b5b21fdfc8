// The messages between the main thread and the sending thread: plain data, which is copied, and
// bytes, which are moved.
import type { PageReading } from '../link/page-counter.ts';
import type { PaceView } from '../pace/governor.ts';
import type { Allowance } from '../pace/link-rates.ts';
import type { ShaperActivity } from '../pace/shaper.ts';
import type { LineActivity } from '../pace/slow-line.ts';
import type { CarriedError } from '../system/carried-error.ts';
import type { AnswerHead } from '../transport/answer-reader.ts';
import type { HandlerOptions } from '../transport/request-watch.ts';
import type { WayOutOptions } from '../transport/way-out.ts';
import type { WireHead } from '../transport/wire-head.ts';
import type { PacedLinkOptions } from './paced-link.ts';

/** An answer's body up to this size comes in one message with its head. */
export const SMALL_ANSWER_BYTES = 65_536;
/**
 * The size of the pieces in which a request's body is handed over. Most files fit into one piece,
 * and a large part needs little extra memory.
 */
export const PIECE_BYTES = 262_144;

/** To the sending thread, about the link. */
export type LinkOrder =
  /** Must come before any other order. Answered by `configured`. */
  | { readonly kind: 'configure'; readonly options: PacedLinkOptions }
  /** Another share of the same link. Answered by `configured`. */
  | { readonly kind: 'allow'; readonly allowance: Allowance }
  /** What the page of `link.counter` shows now. */
  | { readonly kind: 'shown'; readonly reading: PageReading }
  /** Start measuring. */
  | { readonly kind: 'start' }
  /** Nothing is being sent. Give memory back. */
  | { readonly kind: 'rest' };

/** To the sending thread, about requests and their handlers. */
export type RequestOrder =
  | {
      readonly kind: 'open';
      readonly handler: number;
      readonly options: HandlerOptions;
      readonly wayOut: WayOutOptions;
    }
  | { readonly kind: 'close'; readonly handler: number }
  /** Answered by `answer` or `failed`. */
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly handler: number;
      readonly head: WireHead;
      readonly bodyBytes: number;
      /** The first piece of the body, or all of it in shared memory. */
      readonly piece: Uint8Array | undefined;
    }
  /** The answer to `wantsBody`. */
  | { readonly kind: 'body'; readonly id: number; readonly piece: Uint8Array<ArrayBuffer> }
  /** Asks for the next piece of the answer's body. */
  | { readonly kind: 'read'; readonly id: number }
  /** Give up the rest of the request and of its answer. */
  | { readonly kind: 'abort'; readonly id: number };

export type Order = LinkOrder | RequestOrder;

/** Pairs of a request and the bytes of its body that have been sent. */
export type SentBytes = readonly (readonly [id: number, bytes: number])[];

/** From the sending thread, about the link. */
export type LinkNotice =
  | { readonly kind: 'configured'; readonly pace: PaceView }
  | { readonly kind: 'measurable'; readonly problem: string | undefined }
  /** The card sends more than the line can carry. */
  | { readonly kind: 'beyond' }
  /** At most ten times a second: what the shaper did since the last report. */
  | {
      readonly kind: 'report';
      readonly activity: ShaperActivity;
      readonly elapsedMs: number;
      readonly line: LineActivity;
      readonly sent: SentBytes;
      readonly pace: PaceView;
    }
  /** A connection shows signs of life. */
  | { readonly kind: 'alive' };

/** From the sending thread, about requests. */
export type RequestNotice =
  /** A piece has been sent. Asks for another one, in the same memory. */
  | { readonly kind: 'wantsBody'; readonly id: number; readonly empty: ArrayBuffer }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly head: AnswerHead;
      /** The whole body; undefined if it follows in pieces. */
      readonly body: Uint8Array | undefined;
    }
  | { readonly kind: 'answerBody'; readonly id: number; readonly piece: Uint8Array }
  | { readonly kind: 'answerEnd'; readonly id: number }
  /** The request failed, before its answer or in the middle of it. */
  | { readonly kind: 'failed'; readonly id: number; readonly error: CarriedError };

export type Notice = LinkNotice | RequestNotice;

/**
 * A copy of `bytes` that can be moved to the other thread, in memory of its own. Uses `empty` if
 * that is large enough.
 */
export function movable(bytes: Uint8Array, empty?: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const { byteLength } = bytes;
  const memory = empty !== undefined && empty.byteLength >= byteLength ? empty : new ArrayBuffer(byteLength);
  const copy = new Uint8Array(memory, 0, byteLength);
  copy.set(bytes);
  return copy;
}

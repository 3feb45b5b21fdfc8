// In the sending thread: one request of the main thread, and the notices about it.
import { carry } from '../system/carried-error.ts';
import type { AnswerHead } from '../transport/answer-reader.ts';
import type { AnswerSink } from '../transport/outgoing-request.ts';
import type { PacedHandler } from '../transport/paced-handler.ts';
import type { RunningRequest } from '../transport/sdk-handler.ts';
import type { WireHead } from '../transport/wire-head.ts';
import { ArrivingContent } from './arriving-content.ts';
import { movable, type Notice, SMALL_ANSWER_BYTES } from './messages.ts';

const NONE = new Uint8Array(0);

/** Sends a notice. The memory of `moved` cannot be used afterwards. */
export type Tell = (notice: Notice, moved?: ArrayBuffer) => void;

/** A small answer is told as a whole; a large one piece by piece, as the main thread reads it. */
export class ServedRequest implements AnswerSink {
  readonly content: ArrivingContent;
  readonly #id: number;
  readonly #tell: Tell;
  readonly #forget: () => void;
  #running: RunningRequest | undefined;
  #isHead = false;
  /** The head of a small answer, and its body so far. */
  #small: AnswerHead | undefined;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];

  constructor(id: number, bodyBytes: number, tell: Tell, forget: () => void) {
    this.#id = id;
    this.#tell = tell;
    this.#forget = forget;
    this.content = new ArrivingContent(bodyBytes, (empty) => tell({ kind: 'wantsBody', id, empty }, empty));
  }

  begin(handler: PacedHandler, head: WireHead): void {
    this.#isHead = head.method === 'HEAD';
    this.#running = handler.send(head, this.content, this);
  }

  read(): void {
    this.#running?.read();
  }

  abort(): void {
    this.#forget();
    this.#running?.abort();
  }

  answered(head: AnswerHead): void {
    if (this.#isHead || Number(head.headers['content-length']) <= SMALL_ANSWER_BYTES) {
      this.#small = head;
      this.read();
    } else this.#tell({ kind: 'answer', id: this.#id, head, body: undefined });
  }

  piece(bytes: Uint8Array): void {
    // A copy, because the rest of what was read with it may stay in memory for long.
    const piece = movable(bytes);
    if (this.#small === undefined)
      return this.#tell({ kind: 'answerBody', id: this.#id, piece }, piece.buffer);
    this.#pieces.push(piece);
    this.read();
  }

  ended(): void {
    this.#forget();
    if (this.#small === undefined) return this.#tell({ kind: 'answerEnd', id: this.#id });
    const [piece = NONE] = this.#pieces;
    const body = this.#pieces.length <= 1 ? piece : movable(Buffer.concat(this.#pieces));
    const moved = body === NONE ? undefined : body.buffer;
    this.#tell({ kind: 'answer', id: this.#id, head: this.#small, body }, moved);
  }

  failed(error: unknown): void {
    this.#forget();
    this.#tell({ kind: 'failed', id: this.#id, error: carry(error) });
  }
}

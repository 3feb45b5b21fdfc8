// In the sending thread: sends what the main thread orders, and reports the outcome.

import type { Readable } from 'node:stream';
import { carry } from '../system/carried-error.ts';
import type { Clock } from '../system/clock.ts';
import { brokenInvariant } from '../system/invariant.ts';
import type { Deliveries } from '../transport/deliveries.ts';
import type { HttpAnswer } from '../transport/http-request.ts';
import type { Pacer } from '../transport/paced-body.ts';
import { PacedHandler } from '../transport/paced-handler.ts';
import { ArrivingContent } from './arriving-content.ts';
import { movable, type Notice, type RequestOrder, type SentBytes, SMALL_ANSWER_BYTES } from './messages.ts';

/** Sends a notice. The buffers in `moved` cannot be used afterwards. */
export type Tell = (notice: Notice, moved?: readonly ArrayBuffer[]) => void;
type Of<Kind extends RequestOrder['kind']> = Extract<RequestOrder, { kind: Kind }>;

interface InFlight {
  readonly stop: AbortController;
  readonly content: ArrivingContent;
  answer: Readable | undefined;
  /** True if the next piece of the answer was asked for. `onAsked` wakes the sender of pieces. */
  isAsked: boolean;
  onAsked: (() => void) | undefined;
}

/**
 * Runs requests through the paced handlers that the main thread has opened. Failures go back as
 * `failed` notices.
 */
export class RequestService {
  readonly #tell: Tell;
  readonly #pacer: Pacer;
  readonly #clock: Clock;
  readonly #deliveries: Deliveries | undefined;
  readonly #handlers = new Map<number, PacedHandler>();
  readonly #inFlight = new Map<number, InFlight>();

  constructor(tell: Tell, pacer: Pacer, clock: Clock, deliveries?: Deliveries) {
    this.#tell = tell;
    this.#pacer = pacer;
    this.#clock = clock;
    this.#deliveries = deliveries;
  }

  /** How many requests are not over. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** By the number of the request: how much of its body has been sent. */
  sent(): SentBytes {
    return [...this.#inFlight].map(([id, { content }]) => [id, content.takenBytes]);
  }

  /** Orders about requests that are over are ignored. */
  obey(order: RequestOrder): void {
    switch (order.kind) {
      case 'open':
        return this.#open(order);
      case 'close':
        // The handler stays for uploads that are in flight: a few KB for each reload.
        return this.#handlers.get(order.handler)?.destroy();
      case 'request':
        return this.#begin(order);
      case 'body':
        return this.#inFlight.get(order.id)?.content.arrive(order.piece);
      case 'read':
        return this.#read(order);
      case 'abort':
        return this.#abort(order);
    }
  }

  #open({ handler, options, wayOut }: Of<'open'>): void {
    const onAlive = () => this.#tell({ kind: 'alive' });
    const paced = new PacedHandler({
      ...options,
      wayOut,
      pacer: this.#pacer,
      clock: this.#clock,
      onAlive,
      ...(this.#deliveries === undefined ? {} : { deliveries: this.#deliveries }),
    });
    this.#handlers.set(handler, paced);
  }

  #begin({ id, handler, head, bodyBytes, piece }: Of<'request'>): void {
    const content = new ArrivingContent(bodyBytes, (empty) =>
      this.#tell({ kind: 'wantsBody', id, empty }, [empty]),
    );
    if (piece !== undefined) content.arrive(piece);
    if (this.#inFlight.has(id)) brokenInvariant(`a request begins once, and request ${id} is under way`);
    const stop = new AbortController();
    const request: InFlight = { stop, content, answer: undefined, isAsked: false, onAsked: undefined };
    this.#inFlight.set(id, request);
    const paced = this.#handlers.get(handler);
    if (paced === undefined) throw new TypeError(`handler ${handler} has not been opened`);
    paced
      .send(head, content, { abortSignal: stop.signal })
      .then(({ response }) => this.#answer(id, request, head.method, response))
      .catch((error) => this.#tell({ kind: 'failed', id, error: carry(error) }))
      .finally(() => this.#inFlight.delete(id));
  }

  #read({ id }: Of<'read'>): void {
    const request = this.#inFlight.get(id);
    if (request === undefined) return;
    request.isAsked = true;
    request.onAsked?.();
  }

  #abort({ id }: Of<'abort'>): void {
    const request = this.#inFlight.get(id);
    request?.stop.abort();
    request?.answer?.destroy();
  }

  async #answer(
    id: number,
    request: InFlight,
    method: string,
    { statusCode, reason, headers, body }: HttpAnswer['response'],
  ): Promise<void> {
    const pieces = body as Readable;
    request.answer = pieces;
    const answer = { kind: 'answer', id, statusCode, reason, headers } as const;
    if (method === 'HEAD' || Number(headers['content-length']) <= SMALL_ANSWER_BYTES) {
      const whole = Uint8Array.from(Buffer.concat(await pieces.toArray()));
      this.#tell({ ...answer, body: whole }, [whole.buffer]);
      return;
    }
    this.#tell({ ...answer, body: undefined });
    pieces.once('close', () => request.onAsked?.());
    for await (const chunk of pieces as AsyncIterable<Buffer>) {
      await asked(request);
      const piece = movable(chunk);
      this.#tell({ kind: 'answerBody', id, piece }, [piece.buffer]);
    }
    this.#tell({ kind: 'answerEnd', id });
  }
}

/** Resolves when the next piece is wanted, or when the answer has ended in any way. */
async function asked(request: InFlight): Promise<void> {
  if (!request.isAsked && !request.answer?.destroyed)
    await new Promise<void>((resolve) => {
      request.onAsked = resolve;
    });
  request.isAsked = false;
  request.onAsked = undefined;
}

// What can go wrong between a client and an S3 server, and how it is done to one request: the fault proxy does it before
// any server, the scripted S3 to its own answers.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

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

export interface Answer {
  readonly status: number;
  /** Or as Node's rawHeaders has them. */
  readonly headers: OutgoingHttpHeaders | string[];
  readonly content: Buffer | string;
}

/** Carries a request out on the bytes it is given; `isDamaged` when they are not those that were sent. */
export type CarryOut = (body: Buffer, isDamaged: boolean) => Promise<Answer>;

export class FaultyWire {
  readonly #late = new Set<Promise<void>>();

  /** Resolves when no request is left that is to be carried out late. */
  async settled(): Promise<void> {
    await Promise.all(this.#late);
  }

  /**
   * Serves one request as the fault says; without one, well. `onBytes` hears of each piece of the body. Rejects when
   * the client or the server breaks the connection: the caller's to destroy.
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    fault: WireFault | undefined,
    carryOut: CarryOut,
    onBytes: (count: number) => void,
  ): Promise<void> {
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'answer' && fault.early) return send(response, told(fault, request));
    const chunks: Buffer[] = [];
    let bodyBytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bodyBytes += chunk.length;
      onBytes(chunk.length);
      if (fault?.kind !== 'reset' || bodyBytes < fault.atByte) continue;
      request.socket.resetAndDestroy();
      return;
    }
    const body = Buffer.concat(chunks);
    switch (fault?.kind) {
      case undefined:
        return send(response, await carryOut(body, false));
      case 'answer':
        return send(response, told(fault, request));
      case 'damage':
        return send(response, await carryOut(damaged(body, fault.how), true));
      case 'drop-answer':
        await carryOut(body, false);
        break;
      case 'late':
        this.#carryOutLate(fault.byMs, () => carryOut(body, false));
    }
    request.socket.resetAndDestroy();
  }

  #carryOutLate(byMs: number, carryOut: () => Promise<unknown>): void {
    const done = new Promise((resolve) => setTimeout(resolve, byMs))
      .then(carryOut)
      // By now the server may refuse it, or be gone: nobody waits for the answer.
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#late.delete(done));
    this.#late.add(done);
  }
}

/** An <Error> as S3 words it. */
export function errorAnswer(status: number, code: string, headers: OutgoingHttpHeaders = {}): Answer {
  const content = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as told</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, content };
}

function told(fault: WireFault & { kind: 'answer' }, { method }: IncomingMessage): Answer {
  const { status, code, headers = {} } = fault;
  if (code === undefined || method === 'HEAD') return { status, headers, content: '' };
  return errorAnswer(status, code, headers);
}

function send(response: ServerResponse, { status, headers, content }: Answer): void {
  response.writeHead(status, headers as OutgoingHttpHeaders).end(content);
}

function damaged(body: Buffer, how: 'flip-byte' | 'truncate'): Buffer {
  if (how === 'truncate') return body.subarray(0, Math.max(0, body.length - 1));
  const flipped = Buffer.from(body);
  const middle = body.length >> 1;
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  return flipped;
}

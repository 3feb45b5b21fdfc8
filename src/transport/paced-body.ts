// The body of one request on its way out: slices of its content, each admitted by the pacer just
// before it is written, the next only once the kernel has taken the last. So the pacer is never
// more than one slice ahead of the connection, and an answer, an abort or a broken connection stops
// the tokens as well as the bytes. The first slice is admitted before there is a connection:
// servers hang up on one that is open and silent.
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { RequestWatch } from './request-watch.ts';

/** Hands out the link's budget. The shaper is one; tests have their own. */
export interface Pacer {
  /** How many bytes to ask for at a time, at the present rate; > 0. */
  sliceBytes(): number;
  /**
   * Resolves when `bytes` may leave; rejects with the signal's reason, taking nothing, when it
   * aborts first. `leftBytes` is what the request has still to send, `bytes` included.
   */
  admit(bytes: number, signal: AbortSignal, leftBytes: number): Promise<void>;
}

/** What is to be sent: all of it in memory, or arriving piece by piece. */
export interface Content {
  readonly byteLength: number;
  /**
   * The next bytes, about so many; none only where there are none at all. Waits for them to arrive.
   * Those that were given before have been written, and their memory may be used again.
   */
  next(sliceBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** How many of the bytes left are sent now: a small remainder goes with the slice. */
export function sliceOf(leftBytes: number, sliceBytes: number): number {
  return leftBytes <= 1.5 * sliceBytes ? leftBytes : sliceBytes;
}

export class WholeContent implements Content {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  next(sliceBytes: number): Uint8Array {
    const start = this.#offset;
    this.#offset += sliceOf(this.byteLength - start, sliceBytes);
    return this.#bytes.subarray(start, this.#offset);
  }
}

/** Made once: an error of its own for every request would be one with a stack. */
const OVER = new DOMException('the request is over', 'AbortError');

/**
 * What NodeHttpHandler takes for a stream and pipes into the request. Nothing can be read from it:
 * `pipe` writes, because only the writer knows when the kernel has accepted a slice. It never emits
 * an error.
 */
export class PacedBody extends Readable {
  readonly #content: Content;
  readonly #headBytes: number;
  readonly #pacer: Pacer;
  readonly #watch: RequestWatch;
  readonly #deliveries: Deliveries;
  readonly #stop = new AbortController();
  #delivery: Delivery | undefined;
  #admittedBytes = 0;
  /** Admitted before there was a connection. */
  #first: Uint8Array = new Uint8Array(0);

  /** `headBytes` of request line and headers are charged with the first slice. */
  constructor(
    content: Content,
    headBytes: number,
    { pacer, deliveries }: { readonly pacer: Pacer; readonly deliveries: Deliveries },
    watch: RequestWatch,
  ) {
    super();
    this.#content = content;
    this.#headBytes = headBytes;
    this.#pacer = pacer;
    this.#deliveries = deliveries;
    this.#watch = watch;
  }

  /**
   * Resolves when it is the request's turn: the head and the first slice may leave, and it is time
   * to connect. Rejects with an error named `AbortError` when the request is cancelled before that.
   */
  async begin(): Promise<void> {
    this.#first = await this.#nextSlice(this.#headBytes);
    this.#delivery = this.#deliveries.begin(this.#stop.signal, this.#content.byteLength);
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    const request = destination as unknown as ClientRequest;
    request.once('socket', (socket) => this.#observe(socket));
    request.once('response', (response) => {
      if (request.writableEnded && this.#delivery !== undefined) this.#deliveries.answered(this.#delivery);
      this.cancel();
      response.once('close', () => {
        // An answer before the whole request was sent: the connection is of no further use, and
        // Node would keep it waiting for the rest for ever.
        if (!request.writableFinished) request.destroy();
      });
    });
    request.once('close', () => this.destroy());
    this.#send(request).catch((error: unknown) => {
      if (!this.#stop.signal.aborted)
        request.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    return destination;
  }

  /** Sends no further slice and gives up waiting for one. The request itself is left alone. */
  cancel(): void {
    this.#stop.abort(OVER);
  }

  /** Emits `close` when the request is over, whichever way. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.cancel();
    this.#watch.stop();
    callback(error);
  }

  #observe(socket: Socket): void {
    const [read, written] = [socket.bytesRead, socket.bytesWritten];
    const delivery = this.#delivery;
    this.#watch.observe({
      answeredBytes: () => socket.bytesRead - read,
      // Until the kernel has taken the first slice: the head, and what TLS says before it.
      deliveredBytes: () =>
        delivery !== undefined && delivery.handedBytes > 0
          ? delivery.deliveredBytes
          : socket.bytesWritten - written,
    });
    if (delivery !== undefined) this.#deliveries.connect(delivery, socket);
  }

  async #send(request: ClientRequest): Promise<void> {
    let slice: Uint8Array = this.#first;
    while (this.#admittedBytes < this.#content.byteLength) {
      await this.#write(request, slice);
      slice = await this.#nextSlice(0);
    }
    if (slice.byteLength > 0) request.end(slice);
    else request.end();
    this.#handed(slice);
  }

  #handed({ byteLength }: Uint8Array): void {
    if (this.#delivery !== undefined) this.#deliveries.handed(this.#delivery, byteLength);
  }

  /** Admitted, together with `headBytes`. */
  async #nextSlice(headBytes: number): Promise<Uint8Array> {
    const slice = await this.#content.next(this.#pacer.sliceBytes());
    this.#stop.signal.throwIfAborted();
    const leftBytes = this.#content.byteLength - this.#admittedBytes;
    await this.#admit(slice.byteLength + headBytes, leftBytes + headBytes);
    this.#admittedBytes += slice.byteLength;
    return slice;
  }

  async #admit(bytes: number, leftBytes: number): Promise<void> {
    this.#watch.pause();
    try {
      await this.#pacer.admit(bytes, this.#stop.signal, leftBytes);
    } finally {
      this.#watch.resume();
    }
    this.#stop.signal.throwIfAborted();
  }

  /** Resolves when the kernel has taken the slice; rejects when the request is over first. */
  #write(request: ClientRequest, slice: Uint8Array): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      request.write(slice, (error) => {
        signal.removeEventListener('abort', onAbort);
        if (error) return reject(error);
        this.#handed(slice);
        resolve();
      });
    });
  }
}

// The body of one request on its way out, slice by slice.
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { RequestWatch } from './request-watch.ts';

/** Gives out the link's budget. The shaper is one; tests have their own. */
export interface Pacer {
  /** How many bytes to ask for at the present rate; > 0. */
  sliceBytes(): number;
  /**
   * Resolves when `bytes` may leave. If `signal` aborts first, it rejects with the signal's reason
   * and takes nothing. `leftBytes` is what the request still has to send, including `bytes`.
   */
  admit(bytes: number, signal: AbortSignal, leftBytes: number): Promise<void>;
}

/** What is to be sent: all of it in memory, or arriving in pieces. */
export interface Content {
  readonly byteLength: number;
  /**
   * Returns about `sliceBytes` bytes, and waits for them to arrive; empty only if the content is
   * empty. Call it after the previous bytes have been written: their memory may be reused.
   */
  next(sliceBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** How many of the remaining bytes to send now. A small remainder is sent with the slice. */
export function sliceOf(leftBytes: number, sliceBytes: number): number {
  return leftBytes <= 1.5 * sliceBytes ? leftBytes : sliceBytes;
}

/** Content that is in memory as a whole. next() never waits. */
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

/** Made once, because an error for each request would also make a stack each time. */
const OVER = new DOMException('the request is over', 'AbortError');

/**
 * NodeHttpHandler takes this for a stream and pipes it into the request. But nothing can be read
 * from it: `pipe` writes, because only the writer knows when the kernel has accepted a slice.
 * Each slice is admitted by the pacer just before it is written, and the next one only after the
 * kernel has accepted the last. So the pacer is at most one slice ahead of the connection, and an
 * answer, an abort or a broken connection stops the tokens together with the bytes. The first slice
 * is admitted before there is a connection, because servers hang up on a connection that is open
 * and silent. It never emits an error.
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
  /** The first slice, admitted before there was a connection. */
  #first: Uint8Array = new Uint8Array(0);

  /** `headBytes` (request line and headers) are charged with the first slice. */
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
   * to connect. Rejects with an error named `AbortError` when cancelled first.
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
        // The answer came before the whole request was sent. The connection is useless now, but
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

  /** Sends no further slice and stops waiting for one. Does not touch the request itself. */
  cancel(): void {
    this.#stop.abort(OVER);
  }

  /** Emits `close` when the request is over, in whichever way. */
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
      // Before the kernel accepts the first slice, only the socket's own count (the head and the
      // TLS handshake) shows life.
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

  /** The next slice, admitted together with `headBytes`. */
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

  /** Resolves when the kernel has accepted the slice. Rejects if the request ends first. */
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

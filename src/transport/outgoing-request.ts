// One request on its way: from its turn to the last byte of its answer.
import { QueuedRequest } from '../pace/turns.ts';
import type { Clock } from '../system/clock.ts';
import type { AnswerHead } from './answer-reader.ts';
import type { Connection, Occupant, OnWritten } from './connection.ts';
import type { Applicant } from './connection-pool.ts';
import type { Content } from './content.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { Departure } from './departure.ts';
import type { Pacer } from './pacer.ts';
import type { RequestWatch } from './request-watch.ts';
import { SIGNATURE_AGED } from './retry-within-sdk.ts';

/** Receives what becomes of one request. After ended() or failed(), nothing more is called. */
export interface AnswerSink {
  answered(head: AnswerHead): void;
  /** The next piece of the answer's body, after read() was called. */
  piece(bytes: Uint8Array): void;
  ended(): void;
  /** The request failed, before its answer or in the middle of it. */
  failed(error: unknown): void;
}

export interface OutgoingPorts {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly deliveries: Deliveries;
  readonly watch: RequestWatch;
  readonly departure: Departure;
  /** The request line and the headers. */
  readonly head: string;
  readonly method: string;
  readonly content: Content;
  readonly sink: AnswerSink;
}

/** S3 refuses a date that is 15 minutes off, and the clocks may already differ by some of these. */
const SIGNED_FOR_MS = 60_000;

/**
 * Each slice is admitted by the pacer just before it is written, and the next one only after the
 * kernel has accepted the last. So the pacer is at most one slice ahead of the connection, and an
 * answer, an abort or a broken connection stops the tokens together with the bytes. The first slice
 * is admitted before there is a connection, because servers hang up on a connection that is open
 * and silent.
 */
export class OutgoingRequest extends QueuedRequest implements Occupant, Applicant {
  readonly #ports: OutgoingPorts;
  #slice: Uint8Array = new Uint8Array(0);
  #admittedBytes = 0;
  #delivery: Delivery | undefined;
  #connection: Connection | undefined;
  /** What the connection had carried before this request. */
  #readBefore = 0;
  #writtenBefore = 0;
  /** The time in which the first slice has to be admitted. */
  #cancelAging: (() => void) | undefined;
  /** True if all slices have been written. */
  #isSent = false;
  /** True if no further slice is to be sent. */
  #isStopped = false;
  #isOver = false;
  /** Pieces of the answer that were not asked for, and whether the next one was. */
  readonly #pieces: Uint8Array[] = [];
  #isAsked = false;
  #isPaused = false;
  #isAnswerComplete = false;

  constructor(ports: OutgoingPorts) {
    super();
    this.#ports = ports;
  }

  /** Call it once. */
  begin(): void {
    const { watch, clock } = this.#ports;
    watch.start();
    this.#askNext();
    if (this.#delivery === undefined && !this.#isOver)
      this.#cancelAging = clock.schedule(SIGNED_FOR_MS, () => this.#fail(signatureAged()));
  }

  /** Gives the request up. The sink hears nothing more. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection?.giveUp();
    this.#end();
  }

  /** Asks for the next piece of the answer's body. */
  read(): void {
    this.#isAsked = true;
    this.#pass();
  }

  override admitted(): void {
    const { watch, content, head, deliveries, departure } = this.#ports;
    watch.resume();
    this.#admittedBytes += this.#slice.byteLength;
    if (this.#connection !== undefined) {
      this.#connection.write(this.#slice, this.#onWritten);
      return this.#written();
    }
    this.#cancelAging?.();
    this.#delivery = deliveries.begin(content.byteLength + head.length);
    departure.connections.take(this);
  }

  connected(connection: Connection): void {
    const { watch, head, method, deliveries } = this.#ports;
    const { socket } = connection;
    this.#connection = connection;
    this.#readBefore = socket.bytesRead;
    this.#writtenBefore = socket.bytesWritten;
    watch.observe(this);
    if (this.#delivery !== undefined) deliveries.connect(this.#delivery, socket);
    connection.begin(this, method, head, this.#slice, this.#onWritten);
    this.#written();
  }

  answeredBytes(): number {
    return (this.#connection?.socket.bytesRead ?? 0) - this.#readBefore;
  }

  /**
   * Before the kernel accepts the first slice, only the socket's own count (the head and the TLS
   * handshake) shows life.
   */
  deliveredBytes(): number {
    if (this.#delivery !== undefined && this.#delivery.handedBytes > 0) return this.#delivery.deliveredBytes;
    return (this.#connection?.socket.bytesWritten ?? 0) - this.#writtenBefore;
  }

  answered(head: AnswerHead): void {
    const { deliveries, departure, sink } = this.#ports;
    if (this.#isSent && this.#delivery !== undefined) deliveries.answered(this.#delivery);
    const refusal = departure.arrived(head, this.#connection?.socket.remoteAddress);
    if (refusal !== undefined) this.#fail(refusal);
    else sink.answered(head);
  }

  piece(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pass();
  }

  goesOn(): void {
    this.#stopSending();
    if (this.#pieces.length > 0) this.#pause();
  }

  ended(): void {
    this.#isAnswerComplete = true;
    // It may carry another request by now.
    this.#connection = undefined;
    this.#ports.watch.stop();
    this.#stopSending();
    this.#pass();
  }

  lost(error: unknown): void {
    if (!this.#isOver) this.#fail(this.#ports.departure.explained(error));
  }

  /** Ends the request with this error, as if its connection had broken. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.abort();
    this.#ports.sink.failed(error);
  }

  /** The time-outs of the watch. */
  expire(error: Error): void {
    this.#fail(error);
  }

  #pass(): void {
    if (this.#isOver) return;
    const [piece] = this.#pieces;
    if (piece !== undefined && this.#isAsked) {
      this.#isAsked = false;
      this.#pieces.shift();
      this.#ports.sink.piece(piece);
    } else if (piece === undefined && this.#isAnswerComplete) {
      this.#end();
      this.#ports.sink.ended();
    } else if (piece === undefined && this.#isPaused) {
      this.#isPaused = false;
      this.#connection?.socket.resume();
    }
  }

  #pause(): void {
    this.#isPaused = true;
    this.#connection?.socket.pause();
  }

  #askNext(): void {
    const { content, pacer, watch, head } = this.#ports;
    const slice = content.next(pacer.sliceBytes());
    if (slice === undefined) {
      content.onArrival(() => {
        if (!this.#isStopped) this.#askNext();
      });
      return;
    }
    this.#slice = slice;
    const headBytes = this.#connection === undefined ? head.length : 0;
    watch.pause();
    pacer.ask(this, slice.byteLength + headBytes, content.byteLength - this.#admittedBytes + headBytes);
  }

  /** The last slice counts as accepted, because the answer is waited for in either case. */
  #written(): void {
    if (this.#admittedBytes < this.#ports.content.byteLength) return;
    this.#isSent = true;
    this.#connection?.sent();
    this.#handed();
  }

  readonly #onWritten: OnWritten = (error) => {
    // The connection itself reports a broken one.
    if (error || this.#isStopped || this.#isSent) return;
    this.#handed();
    this.#askNext();
  };

  #handed(): void {
    if (this.#delivery !== undefined) this.#ports.deliveries.handed(this.#delivery, this.#slice.byteLength);
  }

  /** Sends no further slice and stops waiting for one. */
  #stopSending(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const { watch, pacer, deliveries, departure } = this.#ports;
    this.#cancelAging?.();
    // The rest of the answer is waited for, and no turn any more.
    watch.resume();
    // First of all: what ends below makes room, and this slice must not be the one that it admits.
    pacer.over(this);
    if (this.#connection === undefined) departure.connections.leave(this);
    if (this.#delivery !== undefined) deliveries.end(this.#delivery);
  }

  #end(): void {
    this.#isOver = true;
    this.#ports.watch.stop();
    this.#stopSending();
  }
}

function signatureAged(): Error {
  const error = new Error(
    `the request waited for its turn for ${SIGNED_FOR_MS} ms: its signature is too old`,
  );
  return Object.assign(error, { name: 'SignatureAged', code: SIGNATURE_AGED });
}

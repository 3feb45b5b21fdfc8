// One connection to a server or a proxy. It carries one request at a time.
import type { Socket } from 'node:net';
import { AnswerError, type AnswerHead, AnswerReader } from './answer-reader.ts';

/** The request that a connection carries. It hears nothing after ended() or lost(). */
export interface Occupant {
  /** The head of the answer. */
  answered(head: AnswerHead): void;
  /** A piece of its body; shares memory with what was read. */
  piece(bytes: Buffer): void;
  /** Everything that has arrived so far was told, and more is to come. */
  goesOn(): void;
  /** The answer is complete, and the connection is given back. */
  ended(): void;
  /** The connection broke before the answer was complete. */
  lost(error: Error): void;
}

/** The pool that the connection belongs to. */
export interface Home {
  /** It can carry another request. */
  freed(connection: Connection): void;
  /** It cannot be used any more. */
  gone(connection: Connection): void;
}

/**
 * Writes requests to a socket, which may still be connecting, and reads their answers. A connection
 * that carried a request in full, whose answer came in full, goes back to its home; any other is
 * closed.
 */
export class Connection {
  readonly socket: Socket;
  readonly #home: Home;
  readonly #reader: AnswerReader;
  #occupant: Occupant | undefined;
  /** True once all of the request has been written to the socket. */
  #isSent = false;
  #error: Error | undefined;
  #isGone = false;
  /** Since when it is idle, on the clock of its home. */
  idleSinceMs = 0;

  constructor(socket: Socket, home: Home) {
    this.socket = socket;
    this.#home = home;
    this.#reader = new AnswerReader({
      head: (head) => this.#occupant?.answered(head),
      piece: (bytes) => this.#occupant?.piece(bytes),
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#finish());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#close());
  }

  get keptForMs(): number {
    return this.#reader.keptForMs;
  }

  /** Writes the head together with the first bytes of the body. */
  begin(occupant: Occupant, method: string, head: string, body: Uint8Array, onWritten: OnWritten): void {
    this.#occupant = occupant;
    this.#isSent = false;
    this.#reader.expect(method);
    const { socket } = this;
    socket.ref();
    if (body.byteLength === 0) return void socket.write(head, 'latin1', onWritten);
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body, onWritten);
    socket.uncork();
  }

  /** `onWritten` is called when the kernel has accepted the bytes, or with an error. */
  write(bytes: Uint8Array, onWritten: OnWritten): void {
    this.socket.write(bytes, onWritten);
  }

  /** The request has been written in full. */
  sent(): void {
    this.#isSent = true;
  }

  /** Closes the connection at once. The request hears nothing more of it. */
  giveUp(): void {
    this.#occupant = undefined;
    this.#leave();
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    // A server that speaks without being asked is not to be trusted with the next request.
    if (this.#occupant === undefined) return this.giveUp();
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      this.#error = error;
      // An answer that was complete stays complete, but the connection is closed.
      if (!this.#reader.isDone) return void this.#lose();
      this.#isSent = false;
    }
    // The request may have given the connection up meanwhile.
    if (this.#isGone) return;
    if (this.#reader.isDone) this.#end();
    else if (!this.#reader.isBeforeAnswer) this.#occupant?.goesOn();
  }

  #end(): void {
    const occupant = this.#occupant;
    this.#occupant = undefined;
    // Otherwise Node would keep the connection waiting for the rest of the request for ever.
    if (this.#isSent && this.#reader.keepsAlive && this.socket.writableLength === 0) {
      this.socket.resume();
      this.socket.unref();
      this.#home.freed(this);
    } else this.giveUp();
    occupant?.ended();
  }

  /** The server sends nothing more. */
  #finish(): void {
    if (this.#occupant === undefined) return this.giveUp();
    this.#isSent = false;
    if (this.#reader.end()) this.#end();
    else this.#lose();
  }

  #close(): void {
    this.#leave();
    if (this.#occupant !== undefined) this.#lose();
  }

  #lose(): void {
    const occupant = this.#occupant;
    const error = this.#error ?? hangUp(this.#reader.isBeforeAnswer);
    this.giveUp();
    occupant?.lost(error);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#home.gone(this);
  }
}

export type OnWritten = (error?: Error | null) => void;

/** The error that node:http would report. */
function hangUp(isBeforeAnswer: boolean): Error {
  const message = isBeforeAnswer ? 'socket hang up' : 'aborted';
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

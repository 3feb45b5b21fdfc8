// In the sending thread: a request's body while the main thread hands it over in pieces.
import { type Content, sliceOf } from '../transport/paced-body.ts';

/**
 * Returns the bytes in order, and waits for pieces that have not arrived. The memory of each used
 * piece goes back to the main thread.
 */
export class ArrivingContent implements Content {
  readonly byteLength: number;
  readonly #wantMore: (empty: ArrayBuffer) => void;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes of the first piece already handed out. */
  #offset = 0;
  #arrivedBytes = 0;
  #takenBytes = 0;
  #onPiece: (() => void) | undefined;

  /** `wantMore` gets the memory of each used piece, as long as more pieces are to come. */
  constructor(byteLength: number, wantMore: (empty: ArrayBuffer) => void) {
    this.byteLength = byteLength;
    this.#wantMore = wantMore;
  }

  /** Bytes that next() has returned. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  arrive(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
    this.#arrivedBytes += piece.byteLength;
    this.#onPiece?.();
  }

  next(sliceBytes: number): Uint8Array | Promise<Uint8Array> {
    if (this.byteLength === 0) return new Uint8Array(0);
    this.#dropUsedUp();
    const [piece] = this.#pieces;
    if (piece === undefined) return this.#arrival().then(() => this.next(sliceBytes));
    const start = this.#offset;
    this.#offset += sliceOf(piece.byteLength - start, sliceBytes);
    this.#takenBytes += this.#offset - start;
    return piece.subarray(start, this.#offset);
  }

  #dropUsedUp(): void {
    const [piece] = this.#pieces;
    if (piece === undefined || this.#offset < piece.byteLength) return;
    this.#pieces.shift();
    this.#offset = 0;
    if (this.#arrivedBytes < this.byteLength) this.#wantMore(piece.buffer);
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPiece = () => {
        this.#onPiece = undefined;
        resolve();
      };
    });
  }
}

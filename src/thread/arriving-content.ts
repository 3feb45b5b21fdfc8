// In the sending thread: a request's body while the main thread hands it over in pieces.
import { type Content, sliceOf } from '../transport/content.ts';

/**
 * Returns the bytes in order, as far as they have arrived. The memory of each used piece goes back
 * to the main thread.
 */
export class ArrivingContent implements Content {
  readonly byteLength: number;
  readonly #wantMore: (empty: ArrayBuffer) => void;
  readonly #pieces: Uint8Array[] = [];
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

  arrive(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#arrivedBytes += piece.byteLength;
    const onPiece = this.#onPiece;
    this.#onPiece = undefined;
    onPiece?.();
  }

  onArrival(callback: () => void): void {
    this.#onPiece = callback;
  }

  next(sliceBytes: number): Uint8Array | undefined {
    if (this.byteLength === 0) return new Uint8Array(0);
    this.#dropUsedUp();
    const [piece] = this.#pieces;
    if (piece === undefined) return undefined;
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
    const { buffer } = piece;
    if (this.#arrivedBytes < this.byteLength && buffer instanceof ArrayBuffer) this.#wantMore(buffer);
  }
}

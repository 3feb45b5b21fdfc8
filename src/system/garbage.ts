// Gives the memory of this thread back that V8 keeps for later.

/**
 * Blocks the thread for about 0.1 s. Does nothing if Node.js was started without --expose-gc.
 * `last-resort` also shrinks the young generation and releases the pages that V8 keeps, which no
 * other collection does.
 */
export function releaseGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Frees what was made lately, and is not used any more, in 0.1 ms if that is little. */
export function forgetYoung(): void {
  globalThis.gc?.({ type: 'minor', execution: 'sync' });
}

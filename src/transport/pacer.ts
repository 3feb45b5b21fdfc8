// Gives out the link's budget, slice by slice.
import type { QueuedRequest } from '../pace/turns.ts';

/** The shaper is one; tests have their own. */
export interface Pacer {
  /** How many bytes to ask for at the present rate; > 0. */
  sliceBytes(): number;
  /**
   * Calls `request.admitted()` when `bytes` may leave; within this call if that is now. `leftBytes`
   * is what the request still has to send, including `bytes`.
   */
  ask(request: QueuedRequest, bytes: number, leftBytes: number): void;
  /** The request is over. It waits no more, and takes nothing. */
  over(request: QueuedRequest): void;
}

/** Nothing waits. */
export const UNPACED: Pacer = {
  sliceBytes: () => 16_384,
  ask: (request) => request.admitted(),
  over: () => undefined,
};

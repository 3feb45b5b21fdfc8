// Faults the drain itself raises or has to tell apart.
import { Fault } from '../system/fault.ts';

export function noAnswer(afterMs: number): Fault {
  const message = `the store has not answered for ${afterMs / 1000} s`;
  return new Fault('transient', message, { operation: 'probe', subject: 'store', code: 'NoAnswer' });
}

/** The store works, and asks for fewer requests. */
export function isSlowDown({ code }: Fault): boolean {
  return code === 'SlowDown' || code === 'TooManyRequests' || code === 'ServiceUnavailable';
}

/** What was raised elsewhere is no class of failure that anybody thought of. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('unknown', message, { operation: 'drain', subject: 'file', cause: error });
}

// The shaper for tests that wait for slices: one promise for each.
import type { Shaper } from '../../src/pace/shaper.ts';
import { QueuedRequest } from '../../src/pace/turns.ts';

class AskingRequest extends QueuedRequest {
  onAdmitted: () => void = () => undefined;

  admitted(): void {
    this.onAdmitted();
  }
}

/** Keyed by the signals of the requests. */
const requests = new WeakMap<AbortSignal, AskingRequest>();

/**
 * Resolves when `bytes` may be sent. Slices with the same signal belong to one request, which is over when the signal
 * aborts; a wait then rejects with the signal's reason. `onAdmitted` is called within the shaper's turn.
 */
export async function admit(
  shaper: Shaper,
  bytes: number,
  signal: AbortSignal = new AbortController().signal,
  leftBytes = bytes,
  onAdmitted: () => void = () => undefined,
): Promise<void> {
  signal.throwIfAborted();
  const request = requests.get(signal) ?? new AskingRequest();
  if (!requests.has(signal)) signal.addEventListener('abort', () => shaper.over(request), { once: true });
  requests.set(signal, request);
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    request.onAdmitted = () => {
      signal.removeEventListener('abort', onAbort);
      onAdmitted();
      resolve();
    };
    shaper.ask(request, bytes, leftBytes);
  });
}

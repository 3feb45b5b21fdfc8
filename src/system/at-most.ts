// A wait with a time limit.
import type { Clock } from './clock.ts';

/**
 * Resolves when the promise does, and after `ms` at the latest. Rejects when the promise does.
 * Leaves no timer behind.
 */
export async function atMost(ms: number, promise: Promise<unknown>, clock: Clock): Promise<void> {
  let cancel: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    cancel = clock.schedule(ms, resolve);
  });
  try {
    await Promise.race([promise, over]);
  } finally {
    cancel();
  }
}

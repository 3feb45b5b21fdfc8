// A wait with an end: for what may never come.
import type { Clock } from './clock.ts';

/**
 * Resolves when the promise does, and after `ms` at the latest; then no timer is left. Rejects when
 * the promise does.
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

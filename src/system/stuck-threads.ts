// Threads that could not be ended, because they wait for a call that does not return, as on a dead
// network mount. process.exit would wait for them for ever.
import type { Worker } from 'node:worker_threads';

const stuck = new Set<Worker>();

/** Call when a thread has not ended in time. */
export function noteStuck(worker: Worker): void {
  stuck.add(worker);
  worker.once('exit', () => stuck.delete(worker));
}

export function hasStuckThread(): boolean {
  return stuck.size > 0;
}

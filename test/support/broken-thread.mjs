// Loaded into a daemon before all else: its sending thread breaks down soon after it has been started. It listens to
// no message: a listener of its own would take the thread's first orders.
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) setTimeout(breakDown, 3_000);

function breakDown() {
  throw new Error('out of order');
}

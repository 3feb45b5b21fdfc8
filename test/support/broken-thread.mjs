// Loaded into a daemon before all else: its sending thread breaks down soon after it has been started.
import { isMainThread, parentPort } from 'node:worker_threads';

if (!isMainThread) parentPort?.once('message', () => setTimeout(breakDown, 2_000));

function breakDown() {
  throw new Error('out of order');
}

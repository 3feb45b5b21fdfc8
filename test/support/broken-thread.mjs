// Loaded into a daemon before all else: its sending thread breaks down soon after it has been started. It listens to
// no message: a listener of its own would take the thread's first orders.
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) setTimeout(breakDown, 3_000);

function breakDown() {
  const secret = process.env.AWS_SECRET_ACCESS_KEY;
  const cause = new Error(`out of order with ${secret}`);
  throw Object.assign(new Error('it broke', { cause }), { headers: { authorization: secret } });
}

// The digesting thread: large contents, which the main thread hands over in shared memory.
import { parentPort } from 'node:worker_threads';
import { forgetYoung } from '../system/garbage.ts';
import { digestNow } from './digest.ts';
import type { DigestNotice, DigestOrder } from './digest-worker.ts';

/**
 * V8 does not count shared memory. What the main thread has long forgotten would stay until this
 * thread has made a megabyte of other garbage.
 */
const HELD_BYTES_MAX = 16 * 1024 ** 2;

if (parentPort === null) throw new Error('this is the digesting thread, which the daemon starts');
const port = parentPort;
let heldBytes = 0;
port.on('message', ({ id, bytes }: DigestOrder) => {
  port.postMessage({ id, digest: digestNow(bytes) } satisfies DigestNotice);
  heldBytes += bytes.byteLength;
  if (heldBytes < HELD_BYTES_MAX) return;
  heldBytes = 0;
  forgetYoung();
});

// Walks over a shallow spool here, and over a deep one in a thread of its own.
import { extname } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { SpoolPath } from '../spool/entry.ts';
import type { WalkedSpool } from '../spool/spool-directory.ts';
import { uncarry } from '../system/carried-error.ts';
import type { Clock } from '../system/clock.ts';
import { noteStuck } from '../system/stuck-threads.ts';
import { FOUND_MAX, FoundFiles } from './found-files.ts';
import { mountsBelow } from './mounts-below.ts';
import type { Oddity } from './oddity.ts';
import { ScanMemory } from './scan-memory.ts';
import type { ScanNotice, ScanOrder } from './scan-messages.ts';
import { type SpoolWalkRequest, type WalkSpool, walkHere } from './scanner.ts';
import type { WalkResult } from './walk.ts';

const THREAD = new URL(`./scan-thread${extname(import.meta.url)}`, import.meta.url);
/** In MiB. A walk makes garbage only. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64 };

/**
 * A thread takes 50 ms of a core to start. A walk in the main thread takes 40 µs a file, and the
 * first upload is to come within a second.
 */
const HERE_MS_MAX = 250;
const HERE_BATCHES_MAX = 16;
/** After a thread that broke down, all walks stay in the main thread for this time. */
const NO_THREAD_MS = 10 * 60_000;

/** Ends a walk in the main thread. */
class Deep extends Error {
  override readonly name = 'Deep';
}

/** The system gave no thread, or too little memory for one. */
export class NoThread extends Error {
  override readonly name = 'NoThread';
  readonly code: string;

  constructor(code: string, cause: unknown) {
    super(`the scanning thread broke down (${code})`, { cause });
    this.code = code;
  }
}

/**
 * A walk begins here, without a thread. If it takes too long, a thread begins anew. The next walk
 * begins in a thread if this one has found more than a batch. If there is no thread, it walks here.
 */
export function walkByDepth(
  clock: Pick<Clock, 'monotonicMs'>,
  inThread: WalkSpool = walkInThread,
): WalkSpool {
  let isDeep = false;
  let noThreadUntilMs = Number.NEGATIVE_INFINITY;
  return async (spool, request) => {
    let told = 0;
    let files = 0;
    const counting: SpoolWalkRequest = {
      ...request,
      onFound: (found) => {
        told += 1;
        files += found.count;
        return request.onFound(found);
      },
      onOddity: (path, oddity) => {
        told += 1;
        request.onOddity(path, oddity);
      },
    };
    const walkDeep = async () => {
      if (clock.monotonicMs() < noThreadUntilMs) return walkHere(spool, counting);
      try {
        return await inThread(spool, counting);
      } catch (error) {
        if (!(error instanceof NoThread)) throw error;
        noThreadUntilMs = clock.monotonicMs() + NO_THREAD_MS;
        request.onNoThread?.(error.code);
        // What has been told must not be told twice.
        if (told > 0) throw error;
        return walkHere(spool, counting);
      }
    };
    const shallow = isDeep ? undefined : await walkShallow(spool, counting, clock);
    const result = shallow ?? (await walkDeep());
    isDeep = files >= FOUND_MAX;
    return result;
  };
}

/** Resolves with undefined, and has told nothing, if there is too much to find. */
async function walkShallow(
  spool: WalkedSpool,
  request: SpoolWalkRequest,
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<WalkResult | undefined> {
  const odd: [SpoolPath, Oddity][] = [];
  const batches: FoundFiles[] = [];
  const beganAtMs = clock.monotonicMs();
  try {
    const result = await walkHere(spool, {
      ...request,
      onOddity: (path, oddity) => void odd.push([path, oddity]),
      onFound: (found) => {
        const isLate = batches.length >= HERE_BATCHES_MAX || clock.monotonicMs() - beganAtMs > HERE_MS_MAX;
        if (found.isFull && isLate) throw new Deep();
        batches.push(found);
        return new FoundFiles();
      },
    });
    for (const [path, oddity] of odd) request.onOddity(path, oddity);
    for (const found of batches) request.onFound(found);
    return result;
  } catch (error) {
    if (error instanceof Deep) return undefined;
    throw error;
  }
}

/** `limits` of the thread's heap. */
export function threadWalk(limits: ResourceLimits): WalkSpool {
  return async (spool, request) => {
    const { signal, silent } = request;
    signal?.throwIfAborted();
    const memory = new ScanMemory();
    const worker = startThread(spool, request, memory, limits);
    const stop = () => memory.stop();
    signal?.addEventListener('abort', stop);
    try {
      const ended = follow(worker, memory, spool, request);
      return await (silent?.follow(() => memory.progress, ended) ?? ended);
    } finally {
      signal?.removeEventListener('abort', stop);
      memory.stop();
      if (worker.threadId !== -1) noteStuck(worker);
    }
  };
}

/**
 * Rejects with NoAnswer when a folder does not answer. Its thread waits on, and ends when there is
 * an answer. Rejects with NoThread when the thread cannot start or breaks down.
 */
export const walkInThread: WalkSpool = threadWalk(RESOURCE_LIMITS);

function startThread(
  spool: WalkedSpool,
  { ignore, silent }: SpoolWalkRequest,
  memory: ScanMemory,
  resourceLimits: ResourceLimits,
): Worker {
  const { root, privateFolder } = spool;
  const order: ScanOrder = {
    root: { fd: root.fd, dev: root.dev, ino: root.ino },
    privateFolder: { dev: privateFolder.dev, ino: privateFolder.ino },
    mounts: mountsBelow(root),
    silent: new Set(silent?.givenUp),
    ignore: ignore.patterns,
    memory: memory.buffer,
  };
  try {
    const worker = new Worker(THREAD, { name: 'halfpipe scan', workerData: order, resourceLimits });
    worker.unref();
    return worker;
  } catch (error) {
    throw noThreadOr(error);
  }
}

/** The codes are ERR_WORKER_INIT_FAILED and ERR_WORKER_OUT_OF_MEMORY. */
function noThreadOr(error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('ERR_WORKER_')) return new NoThread(code, error);
  return error instanceof Error ? error : new Error(String(error));
}

/** Takes in what the thread tells. Settles when it has ended. */
function follow(
  worker: Worker,
  memory: ScanMemory,
  spool: WalkedSpool,
  request: SpoolWalkRequest,
): Promise<WalkResult> {
  let outcome: WalkResult | Error = new Error('the scanning thread has ended');
  const receive = (notice: ScanNotice) => {
    switch (notice.kind) {
      case 'found':
        return takeIn(notice, memory, request);
      case 'odd':
        return request.onOddity(new SpoolPath(Buffer.from(notice.path)), notice.oddity);
      case 'probe':
        return void spool.clearProbes(new SpoolPath(Buffer.from(notice.folder)));
      case 'ended':
        outcome = notice.result;
        return;
      case 'failed':
        outcome = uncarry(notice.error);
    }
  };
  return new Promise((resolve, reject) => {
    worker.on('message', (notice: ScanNotice) => {
      // What was found before a stop is not taken in any more.
      if (memory.isStopped) return;
      try {
        receive(notice);
      } catch (error) {
        memory.stop();
        reject(error);
      }
    });
    worker.once('error', (error) => {
      outcome = noThreadOr(error);
    });
    worker.once('exit', () => {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    });
  });
}

function takeIn(
  { batch, count }: Extract<ScanNotice, { kind: 'found' }>,
  memory: ScanMemory,
  { onFound }: SpoolWalkRequest,
): void {
  const found = memory.batch(batch);
  if (found === undefined) return;
  found.count = count;
  onFound(found);
  memory.free();
}

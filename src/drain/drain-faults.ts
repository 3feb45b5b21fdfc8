// Faults the drain itself raises or has to tell apart.
import type { Entry } from '../spool/entry.ts';
import { leastMemoryBytes } from '../store/part-plan.ts';
import { Fault } from '../system/fault.ts';

export function noAnswer(afterMs: number): Fault {
  const message = `the store has not answered for ${afterMs / 1000} s`;
  return new Fault('transient', message, { operation: 'probe', subject: 'store', code: 'NoAnswer' });
}

/** Nothing of it is sent. */
export function tooLarge({ path, identity: { sizeBytes } }: Entry, largestBytes: number): Fault {
  const inGib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const message = `it has ${inGib(sizeBytes)}; with the present upload.maxMemory ${inGib(largestBytes)} is the largest`;
  return new Fault('file', message, {
    operation: 'upload',
    subject: `${path}`,
    // One half of the memory is for uploads in parts.
    hint: `Set upload.maxMemory to ${Math.ceil((2 * leastMemoryBytes(sizeBytes)) / 1024 ** 2)} MiB and more (and MemoryMax= of the unit accordingly), then halfpipe quarantine retry.`,
    code: 'EntityTooLarge',
    isLocal: true,
  });
}

/** S3's, MinIO's, other AWS services' and proxies' words for it. */
const SLOW_DOWNS: ReadonlySet<string | undefined> = new Set([
  ...['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ServiceUnavailable'],
  ...['Throttling', 'ThrottlingException', 'RequestLimitExceeded', 'BandwidthLimitExceeded'],
  ...['TooManyRequests', 'TooManyRequestsException', 'Http429'],
]);

/** The store works, and asks for fewer requests. */
export function isSlowDown({ code }: Fault): boolean {
  return SLOW_DOWNS.has(code);
}

/**
 * There are too few descriptors for so many files and connections: neither a file's nor the store's
 * fault.
 */
export function isOutOfDescriptors({ code }: Fault): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** What was raised elsewhere is no class of failure that anybody thought of. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('unknown', message, { operation: 'drain', subject: 'file', cause: error });
}

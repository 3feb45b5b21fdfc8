// Faults that the drain itself raises or has to recognise.
import type { Entry } from '../spool/entry.ts';
import { leastMemoryBytes } from '../store/part-plan.ts';
import { Fault } from '../system/fault.ts';

/** The store has not answered a trial in time. */
export function noAnswerFault(afterMs: number): Fault {
  const message = `the store has not answered for ${afterMs / 1000} s`;
  return new Fault('transient', message, { operation: 'probe', subject: 'store', code: 'NoAnswer' });
}

/** The file is too large for any upload. Nothing of it is sent. */
export function tooLargeFault(
  { path, identity: { sizeBytes } }: Pick<Entry, 'path' | 'identity'>,
  largestBytes: number,
): Fault {
  const inGib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const message = `the file is ${inGib(sizeBytes)}; the present upload.maxMemory allows at most ${inGib(largestBytes)}`;
  return new Fault('file', message, {
    operation: 'upload',
    subject: `${path}`,
    // One half of the memory is for uploads in parts.
    hint: `Set upload.maxMemory to ${Math.ceil((2 * leastMemoryBytes(sizeBytes)) / 1024 ** 2)} MiB and more (and MemoryMax= of the unit accordingly), then halfpipe quarantine retry.`,
    code: 'EntityTooLarge',
    isLocal: true,
  });
}

/** The code of a Fault because of which nothing can be recorded; see DrainManifest. */
export const UNRECORDED = 'ManifestUnwritable';

/** True if file descriptors ran out. Neither a file nor the store is to blame. */
export function isOutOfDescriptors({ code }: Fault): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/**
 * Turns anything thrown elsewhere into a Fault of class `unknown`. A Fault is returned unchanged.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('unknown', message, { operation: 'drain', subject: 'file', cause: error });
}

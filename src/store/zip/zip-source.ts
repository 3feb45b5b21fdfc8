// Where the bytes of a zip come from: a bucket, a file, memory.
import { Fault } from '../../system/fault.ts';

export interface ZipSource {
  /** What messages call it, in one safe line. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Yields `lengthBytes` bytes from `offset` on, or rejects with a Fault. */
  read(offset: number, lengthBytes: number): AsyncIterable<Uint8Array>;
}

/** The code of a fault that says that the bytes are wrong, not that they cannot be had. */
export const DAMAGED = 'DamagedZip';

/** The zip, or a member of it, is not what it has to be. Nothing of it can be relied on. */
export function damagedFault(subject: string, what: string, cause?: unknown): Fault {
  return new Fault('unknown', `${subject} ${what}`, {
    ...{ operation: 'read zip', subject, code: DAMAGED, isLocal: true },
    ...(cause === undefined ? {} : { cause }),
  });
}

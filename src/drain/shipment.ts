// What is sent as one object: one file, or several files that are packed together.
import type { Entry } from '../spool/entry.ts';
import type { UploadSource } from '../store/object-store.ts';
import type { Destination, EntryPlan } from './destination.ts';

export interface Shipment {
  /** At least one. */
  readonly entries: readonly Entry[];
  readonly sizeBytes: number;
  readonly plan: EntryPlan;
  /** See Entry. */
  readonly mayBeStored: boolean;
  /** The object's key. Throws Fault `file` when the name cannot be a key. */
  key(): string;
  /** The object's bytes, from the open files of `entries`, in their order. */
  contentOf(files: readonly UploadSource[]): UploadSource;
}

/** One file under its own name. */
export function singleFile(entry: Entry, destination: Destination): Shipment {
  const { sizeBytes } = entry.identity;
  return {
    entries: [entry],
    sizeBytes,
    plan: destination.planOf(entry),
    mayBeStored: entry.mayBeStored === true,
    key: () => destination.keyOf(entry),
    contentOf: ([file]) => {
      if (file === undefined) throw new TypeError('a shipment has at least one file');
      return file;
    },
  };
}

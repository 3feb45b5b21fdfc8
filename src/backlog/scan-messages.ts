// What the scanning thread is started with, and what it tells.
import type { CarriedError } from '../system/carried-error.ts';
import type { Oddity } from './oddity.ts';
import type { WalkResult } from './walk.ts';

interface Identified {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface ScanOrder {
  /** The descriptor is open as long as the walk runs: threads share the table. */
  readonly root: Identified & { readonly fd: number };
  readonly privateFolder: Identified;
  /** Names of mounts below the spool. */
  readonly mounts: ReadonlySet<string>;
  /** Names of folders that do not answer. */
  readonly silent: ReadonlySet<string>;
  /** See IgnoreRules. */
  readonly ignore: readonly string[];
  /** See ScanMemory. */
  readonly memory: SharedArrayBuffer;
}

export type ScanNotice =
  /** A batch is filled with `count` files. */
  | { readonly kind: 'found'; readonly batch: number; readonly count: number }
  | { readonly kind: 'odd'; readonly path: Uint8Array; readonly oddity: Oddity }
  | { readonly kind: 'probe'; readonly folder: Uint8Array }
  | { readonly kind: 'ended'; readonly result: WalkResult }
  | { readonly kind: 'failed'; readonly error: CarriedError };

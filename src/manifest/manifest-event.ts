// The events of the manifest.
import type { RecurringFault } from '../system/fault.ts';

export type ManifestEvent =
  /** The end of the file was no whole line, as after a power cut. It was cut off. */
  { readonly kind: 'manifestRepaired'; readonly path: string; readonly cutBytes: number } | RecurringFault;

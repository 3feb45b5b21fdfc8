// What the daemon's listener for observers reports.
import type { RecurringFault } from '../system/fault.ts';

export type ObserveEvent =
  /** It listens, or has stopped after a reload. */
  | {
      readonly kind: 'observing';
      /** Empty: it is off. */
      readonly urls: readonly string[];
      /** True if any client on the network is answered, without a token. */
      readonly isOpen: boolean;
    }
  /** It cannot listen as configured, and it is tried again. */
  | { readonly kind: 'observeDown'; readonly error: unknown }
  | RecurringFault;

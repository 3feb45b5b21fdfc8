// What happens in the spool folder beside the drain's own doing.
import type { RecurringFault } from '../system/fault.ts';
import type { AsideRecovery, AsideStep } from './aside.ts';
import type { SpoolPath } from './entry.ts';
import type { Quarantined } from './quarantine.ts';

export type SpoolEvent =
  /** A file on its way to its removal. */
  | { readonly kind: 'asideStep'; readonly path: SpoolPath; readonly step: AsideStep }
  /** A file that cannot return, because a newer one has its name, is in quarantine. */
  | { readonly kind: 'superseded'; readonly quarantined: Quarantined }
  /**
   * The file was written to after it was uploaded and removed; `problem` is why its content is not
   * back in the spool, which is tried again.
   */
  | { readonly kind: 'lateWrite'; readonly path: SpoolPath; readonly problem: unknown }
  /**
   * Whether a file is open for writing cannot be asked for the time being, and why; undefined when
   * it can again.
   */
  | { readonly kind: 'openWriters'; readonly problem: string | undefined }
  /** What a crash left set aside, or what waited because its name was taken, is back. */
  | { readonly kind: 'putBack'; readonly recovery: AsideRecovery }
  /** The spool is there again, perhaps another folder with other files. */
  | { readonly kind: 'spoolBack' }
  | RecurringFault;

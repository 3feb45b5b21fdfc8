// The events of the spool folder, apart from those of the drain.
import type { RecurringFault } from '../system/fault.ts';
import type { AsideRecovery, AsideStep } from './aside.ts';
import type { SpoolPath } from './entry.ts';
import type { Quarantined } from './quarantine.ts';

export type SpoolEvent =
  /** A step in the removal of a file. */
  | { readonly kind: 'asideStep'; readonly path: SpoolPath; readonly step: AsideStep }
  /** A file that cannot return, because a newer file has its name, is in quarantine. */
  | { readonly kind: 'superseded'; readonly quarantined: Quarantined }
  /**
   * The file was written to after it was uploaded and removed. `problem` is undefined if its
   * content is back in the spool, else the error; the attempt is repeated.
   */
  | { readonly kind: 'lateWrite'; readonly path: SpoolPath; readonly problem: unknown }
  /**
   * It cannot be found out whether files are open for writing (with the reason), or it can again
   * (undefined).
   */
  | { readonly kind: 'openWriters'; readonly problem: string | undefined }
  /** Files are back that a crash left aside, or that waited because their names were taken. */
  | { readonly kind: 'putBack'; readonly recovery: AsideRecovery }
  /** The spool is there again. It may be another folder with other files. */
  | { readonly kind: 'spoolBack' }
  | RecurringFault;

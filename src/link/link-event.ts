// What becomes of the link.
import type { Fault } from '../system/fault.ts';
import type { UplinkIdentity } from './link-finder.ts';

export type LinkEvent =
  /** The first link, or another one, or another capacity, from now on. */
  | { readonly kind: 'link'; readonly identity: UplinkIdentity }
  /** There is no link yet, for this reason; once for each reason. */
  | { readonly kind: 'waitingForLink'; readonly fault: Fault }
  /**
   * The link known so far stays, though it is not found any more (a reason); or it is found again
   * (undefined).
   */
  | { readonly kind: 'linkUnsure'; readonly reason: string | undefined }
  /** The link cannot be measured (a reason), or can be again (undefined). Once for each change. */
  | { readonly kind: 'linkMeasurable'; readonly problem: string | undefined }
  /** The interface has sent more than the line can carry for some seconds. Once for each link. */
  | { readonly kind: 'linkBeyond' };

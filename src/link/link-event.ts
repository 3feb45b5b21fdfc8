// The events of the link.

import type { Fault } from '../system/fault.ts';
import type { UplinkIdentity } from './uplink-identity.ts';

export type LinkEvent =
  /** The first link, another link, or another capacity, from now on. */
  | { readonly kind: 'link'; readonly identity: UplinkIdentity }
  /** There is no link yet, for this reason. Once for each reason. */
  | { readonly kind: 'waitingForLink'; readonly fault: Fault }
  /**
   * The known link is not found any more (with the reason) but stays in use; or it is found again
   * (undefined).
   */
  | { readonly kind: 'linkUnsure'; readonly reason: string | undefined }
  /**
   * The link cannot be measured (with the reason), or can be again (undefined). Once for each
   * change.
   */
  | { readonly kind: 'linkMeasurable'; readonly problem: string | undefined }
  /** The interface has sent more than the line can carry for 3 s. Once for each link. */
  | { readonly kind: 'linkBeyond' };

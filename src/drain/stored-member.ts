// A file that is stored as part of a packet.
import type { Entry } from '../spool/entry.ts';

export interface StoredMember extends Entry {
  /** Its name in the packet. */
  readonly name: string;
  /** The digest of the bytes that were packed. */
  readonly sha256Hex: string;
}

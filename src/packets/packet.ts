// The nouns of packets: a packet is a zip file of small files, which travels through the drain as
// one entry.
import type { StoredMember } from '../drain/stored-member.ts';
import type { Entry } from '../spool/entry.ts';

/** A file in a packet, as it was when it was packed. Its name there is its path, as text. */
export type PacketMember = StoredMember;

/** What a packet holds, and where it goes. Durable before the first byte of the packet is sent. */
export interface PacketPlan {
  readonly id: string;
  readonly key: string;
  readonly bucket: string;
  /** Undefined means AWS. */
  readonly endpoint: string | undefined;
  /** What all keys began with when the packet was made. */
  readonly prefix: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** The size of the packet's file. */
  readonly sizeBytes: number;
  /** The digest of the packet's file. */
  readonly sha256Hex: string;
  /** In their order in the packet. At least one. */
  readonly members: readonly PacketMember[];
}

/** A packet as the drain sees it: an entry whose path is that of the packet's own file. */
export interface PacketEntry extends Entry {
  readonly packet: PacketPlan;
  readonly key: string;
  readonly isPacket: true;
  /** The members that have left the spool, because the store holds them. */
  readonly removed: PacketMember[];
}

/** The plan of an entry that is a packet; undefined for a file. */
export function packetOf(entry: Entry): PacketPlan | undefined {
  return 'packet' in entry ? (entry as PacketEntry).packet : undefined;
}

/** True if the entry is a packet, not a file of a producer. */
export function isPacket(entry: Entry): entry is PacketEntry {
  return 'packet' in entry;
}

/** When the oldest member was last changed. */
export function oldestOf(members: readonly PacketMember[]): number {
  return members.reduce(
    (oldest, { modifiedAtMs }) => Math.min(oldest, modifiedAtMs),
    Number.POSITIVE_INFINITY,
  );
}

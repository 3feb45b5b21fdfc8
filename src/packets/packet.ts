// The nouns of packets: a packet is a zip file of small files, which travels through the drain as
// one entry.
import type { Entry, FileIdentity, SpoolPath } from '../spool/entry.ts';

/** A file in a packet, as it was when it was packed. */
export interface PacketMember {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
  /** Wall clock, milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /** Its name in the packet: its path in the spool, as text. */
  readonly name: string;
  /** The digest of the bytes that were packed. */
  readonly sha256Hex: string;
}

/** What a packet holds, and where it goes. Durable before the first byte of the packet is sent. */
export interface PacketPlan {
  readonly id: string;
  readonly key: string;
  readonly bucket: string;
  /** Undefined means AWS. */
  readonly endpoint: string | undefined;
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
}

/** The plan of an entry that is a packet; undefined for a file. */
export function packetOf(entry: Entry): PacketPlan | undefined {
  return 'packet' in entry ? (entry as PacketEntry).packet : undefined;
}

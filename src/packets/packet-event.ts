// The events of packets that are not those of any entry. Each is sent once, where it is decided.
import type { Fault } from '../system/fault.ts';
import type { PacketMember, PacketPlan } from './packet.ts';

export type PacketEvent =
  /** The packet and its plan are on the disk. */
  | { readonly kind: 'packed'; readonly packet: PacketPlan }
  /**
   * The store holds these files, and they have left the spool: those of which no `uploaded` tells,
   * because the packet was left before its end, or the run that removed them has ended.
   */
  | {
      readonly kind: 'membersUploaded';
      readonly packet: PacketPlan;
      readonly members: readonly PacketMember[];
    }
  /** These files are sent again as they are: they were stored, and could not be removed. */
  | {
      readonly kind: 'membersRepeated';
      readonly packet: PacketPlan;
      readonly members: readonly PacketMember[];
    }
  /**
   * The packet is refused. Its files are packed again, in halves. `repeated`: how many of them may
   * have been stored with it nevertheless.
   */
  | {
      readonly kind: 'packetSplit';
      readonly packet: PacketPlan;
      readonly reason: string;
      readonly repeated: number;
    }
  /** The packet is not sent any more. `repeated`: see `packetSplit`. */
  | {
      readonly kind: 'packetDropped';
      readonly id: string;
      readonly reason: string;
      readonly repeated: number;
    }
  /** Files are sent by themselves for this time. */
  | {
      readonly kind: 'packingRests';
      /** No packet can be written, or the store refuses all packets. */
      readonly why: RestReason;
      readonly fault: Fault;
      readonly forMs: number;
    };

export type RestReason = 'unwritable' | 'refused';

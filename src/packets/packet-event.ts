// The events of packets that are not those of any entry. Each is sent once, where it is decided.
import type { Fault } from '../system/fault.ts';
import type { PacketPlan } from './packet.ts';

export type PacketEvent =
  /** The packet and its plan are on the disk. */
  | { readonly kind: 'packed'; readonly packet: PacketPlan }
  /** The packet is refused. Its files are packed again, in halves. */
  | { readonly kind: 'packetSplit'; readonly packet: PacketPlan; readonly reason: string }
  /**
   * The packet is not sent any more. `repeated`: how many of its files are sent again, although
   * they may have been stored with it.
   */
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

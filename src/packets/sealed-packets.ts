// The packets that are complete on the disk, until they have been sent and their members removed.
import type { SpoolPath } from '../spool/entry.ts';
import type { PacketEntry, PacketMember } from './packet.ts';

export interface SealedPacket {
  entry: PacketEntry;
  /** The members that are still to be removed, by path id. */
  readonly left: Map<string, PacketMember>;
  /** An earlier run has made it, so that the backlog has not handed out its members. */
  readonly isRecovered: boolean;
  /** Its own file is not as it was packed, or cannot be read. */
  isLost: boolean;
  /** True while the drain has it, and while it is dropped. */
  isTaken: boolean;
  /** When the drain may have it, by the monotonic clock. */
  dueAtMs: number;
}

/** Deterministic: time is an argument. */
export class SealedPackets {
  readonly #byId = new Map<string, SealedPacket>();
  /** The members that no scan may hand out, by path id. */
  readonly #recovered = new Set<string>();

  *[Symbol.iterator](): Generator<SealedPacket> {
    yield* this.#byId.values();
  }

  /** The packets that wait for another attempt. */
  *deferredAt(nowMs: number): Generator<SealedPacket> {
    for (const packet of this.#byId.values()) if (!packet.isTaken && packet.dueAtMs > nowMs) yield packet;
  }

  /** How many packets the drain may have, and how many wait for another attempt. */
  waitingAt(nowMs: number): { readonly ready: number; readonly deferred: number } {
    let [ready, deferred] = [0, 0];
    for (const { isTaken, dueAtMs } of this.#byId.values()) {
      if (isTaken) continue;
      if (dueAtMs <= nowMs) ready += 1;
      else deferred += 1;
    }
    return { ready, deferred };
  }

  /** `members`: those that are still in the spool. */
  add(
    entry: PacketEntry,
    members: readonly PacketMember[],
    { isRecovered = false, isLost = false }: Partial<Pick<SealedPacket, 'isRecovered' | 'isLost'>> = {},
  ): void {
    const left = new Map(members.map((member) => [member.path.id, member]));
    if (isRecovered) for (const id of left.keys()) this.#recovered.add(id);
    const state = { isLost, isTaken: false, dueAtMs: Number.NEGATIVE_INFINITY };
    this.#byId.set(entry.path.id, { entry, left, isRecovered, ...state });
  }

  /** The packet at this path; undefined if there is none. */
  at({ id }: SpoolPath): SealedPacket | undefined {
    return this.#byId.get(id);
  }

  /** True for a member of a packet that an earlier run has made. */
  isRecovered({ id }: SpoolPath): boolean {
    return this.#recovered.size > 0 && this.#recovered.has(id);
  }

  /** Begins to look at `place` of their order; see Detour. */
  take(accepts: (packet: PacketEntry) => boolean, nowMs: number, place = 0): PacketEntry | undefined {
    const packets = [...this.#byId.values()];
    const first = Math.floor(place * packets.length);
    for (const packet of [...packets.slice(first), ...packets.slice(0, first)]) {
      if (packet.isTaken || packet.dueAtMs > nowMs || !accepts(packet.entry)) continue;
      packet.isTaken = true;
      return packet.entry;
    }
    return undefined;
  }

  /** Nothing is known of whether the store has the packet. */
  mayBeStored(packet: SealedPacket): void {
    packet.entry = { ...packet.entry, mayBeStored: true };
  }

  /** The packet waits until `dueAtMs`. It may have been stored meanwhile. */
  giveBack(packet: SealedPacket, dueAtMs: number): void {
    this.mayBeStored(packet);
    packet.isTaken = false;
    packet.dueAtMs = dueAtMs;
  }

  /** Nothing is to be done about this member any more. */
  forget({ left }: SealedPacket, { path: { id } }: PacketMember): void {
    left.delete(id);
    this.#recovered.delete(id);
  }

  end(packet: SealedPacket): void {
    for (const member of packet.left.values()) this.forget(packet, member);
    this.#byId.delete(packet.entry.path.id);
  }
}

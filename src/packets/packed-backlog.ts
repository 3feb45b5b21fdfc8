// The backlog as the drain sees it where small files travel in packets: it hands out packets, and
// the other files.
import type { DrainBacklog } from '../drain/drain-ports.ts';
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';
import type { Gathering } from './gathering.ts';
import type { PacketEntry, PacketMember } from './packet.ts';
import type { SealedPacket, SealedPackets } from './sealed-packets.ts';

type Outcome = Parameters<DrainBacklog['release']>[1];

export interface PackedBacklogPorts {
  readonly clock: Clock;
  readonly backlog: DrainBacklog;
  readonly sealed: SealedPackets;
  readonly gathering: Gathering;
  /** True if the packet goes where files go now. */
  readonly isForHere: (packet: PacketEntry) => boolean;
  /** The drain has given the packet back, and may have sent it. */
  readonly onGivenBack: (packet: SealedPacket) => void;
  /** Called when take() may have an entry. */
  readonly onWork: () => void;
}

/**
 * Invariant: the backlog gets every file back once: from here, when its packet has ended, or from
 * the drain. Monotonic clock.
 */
export class PackedBacklog implements DrainBacklog {
  readonly #ports: PackedBacklogPorts;
  /** The backlog has only files that are for packets. */
  #isExhausted = false;

  constructor(ports: PackedBacklogPorts) {
    this.#ports = ports;
  }

  /** The backlog may have other files. */
  lookAgain(): void {
    this.#isExhausted = false;
    this.#ports.gathering.lookAgain();
  }

  /** Packets come first. Elsewhere in the order, files do: a packet may be what fails. */
  take(accepts: (entry: Entry) => boolean, place = 0): Entry | undefined {
    const { clock, sealed, gathering, isForHere } = this.#ports;
    const takePacket = () =>
      sealed.take((entry) => isForHere(entry) && accepts(entry), clock.monotonicMs(), place);
    const packet = place === 0 ? takePacket() : undefined;
    if (packet !== undefined) return packet;
    gathering.gather();
    return this.#takeFile(accepts, place) ?? (place === 0 ? undefined : takePacket());
  }

  #takeFile(accepts: (entry: Entry) => boolean, place: number): Entry | undefined {
    if (this.#isExhausted) return undefined;
    let isAny = false;
    const file = this.#ports.backlog.take((entry) => {
      if (!this.#isForItself(entry)) return false;
      isAny = true;
      return accepts(entry);
    }, place);
    // Each look passes over all files that are for packets.
    this.#isExhausted = file === undefined && !isAny;
    return file;
  }

  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    return this.#ports.backlog.find(accepts);
  }

  hold(folder: string): void {
    this.#ports.backlog.hold(folder);
  }

  free(folder: string): void {
    this.#ports.backlog.free(folder);
  }

  heldFiles(folder: string): number {
    return this.#ports.backlog.heldFiles(folder);
  }

  release(path: SpoolPath, outcome: Outcome): void {
    const { backlog, sealed } = this.#ports;
    const packet = sealed.at(path);
    if (packet === undefined) {
      backlog.release(path, outcome);
      if (outcome === 'returned') this.lookAgain();
    } else if (outcome === 'gone') this.#ended(packet);
    else this.#wait(packet, typeof outcome === 'string' ? 0 : outcome.deferForMs);
  }

  changed(path: SpoolPath): void {
    if (this.#ports.sealed.at(path) === undefined) this.#ports.backlog.changed(path);
  }

  /** The packet has nothing more to do with this member. */
  settle(packet: SealedPacket, member: PacketMember, outcome: 'gone' | 'returned' | 'changed'): void {
    const { backlog, sealed } = this.#ports;
    sealed.forget(packet, member);
    if (outcome !== 'gone') this.lookAgain();
    if (outcome === 'changed') backlog.changed(member.path);
    if (!packet.isRecovered) backlog.release(member.path, outcome === 'changed' ? 'again' : outcome);
  }

  /** The file is sent by itself. */
  alone(member: PacketMember): void {
    this.#ports.gathering.alone(member);
  }

  /** The packet has left the disk, and with it the members that have been removed. */
  #ended(packet: SealedPacket): void {
    const { sealed, gathering } = this.#ports;
    for (const member of [...packet.left.values()]) this.settle(packet, member, 'returned');
    sealed.end(packet);
    gathering.gather();
  }

  #wait(packet: SealedPacket, waitMs: number): void {
    const { clock, sealed, onGivenBack, onWork } = this.#ports;
    sealed.giveBack(packet, clock.monotonicMs() + waitMs);
    this.lookAgain();
    onGivenBack(packet);
    if (waitMs > 0) clock.schedule(waitMs, onWork);
  }

  #isForItself(entry: Entry): boolean {
    const { sealed, gathering } = this.#ports;
    return !sealed.isRecovered(entry.path) && !gathering.isPackable(entry);
  }
}

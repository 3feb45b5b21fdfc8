// The spool as the drain sees it where small files travel in packets: a packet is removed by the
// removal of its members.
import { dispose, type SetAside } from '../drain/dispose.ts';
import type { DrainSpool } from '../drain/drain-ports.ts';
import type { OpenFile } from '../drain/transfer.ts';
import { isProof, membersProof, type Proof, type SentPacket } from '../drain/verify.ts';
import { type FileIdentity, type KnownContent, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import type { QuarantineReason } from '../spool/quarantine.ts';
import type { WaitForRoom } from '../spool/salvage.ts';
import { changedFault, STILL_WRITTEN, TOUCHED } from '../spool/spool-fault.ts';
import { NOT_PROVEN } from '../store/evidence.ts';
import type { UploadJournal } from '../store/object-store.ts';
import { Fault } from '../system/fault.ts';
import { sha256Of } from './file-digest.ts';
import type { PackedBacklog } from './packed-backlog.ts';
import type { PacketMember } from './packet.ts';
import type { PacketFolder } from './packet-folder.ts';
import type { SealedPacket, SealedPackets } from './sealed-packets.ts';

export interface PackedSpoolPorts {
  readonly spool: DrainSpool;
  readonly folder: PacketFolder;
  readonly sealed: SealedPackets;
  readonly backlog: Pick<PackedBacklog, 'settle'>;
  /** The file has left the spool. */
  readonly onRemoved: (member: PacketMember) => void;
  /** These members are as they were packed, and have to be sent again nevertheless. */
  readonly onRepeated: (packet: SealedPacket, members: readonly PacketMember[]) => void;
  /** A packet is refused. */
  readonly onRefused: (packet: SealedPacket, reason: QuarantineReason) => Promise<void>;
}

/** How many members are removed at the same time: writers are asked for many of them together. */
const AT_ONCE = 128;

/**
 * Invariant: a member is removed only if the store provably holds the packet, the packet is what
 * was packed, and the member is still the file that was packed.
 */
export class PackedSpool implements DrainSpool {
  readonly #ports: PackedSpoolPorts;

  constructor(ports: PackedSpoolPorts) {
    this.#ports = ports;
  }

  /**
   * A packet has been on the disk since before its plan was. A sync is not only needless: one that
   * fails is remembered, and would hold the members back until the next start.
   */
  async openFile(path: SpoolPath): Promise<OpenFile> {
    const { spool, sealed } = this.#ports;
    const file = await spool.openFile(path);
    return sealed.at(path) === undefined ? file : Object.assign(file, { sync: async () => undefined });
  }

  journal(file: OpenFile): UploadJournal {
    return this.#ports.spool.journal(file);
  }

  async setAside(file: OpenFile, known: KnownContent): Promise<SetAside> {
    const packet = this.#ports.sealed.at(file.path);
    if (packet === undefined) return this.#ports.spool.setAside(file, known);
    return { remove: (proof, waitForRoom) => this.#removeMembers(packet, file, proof, waitForRoom) };
  }

  /** A packet that the store refuses is split: one of its members may be to blame. */
  quarantine(path: SpoolPath, reason: QuarantineReason): Promise<unknown> {
    const { spool, sealed, onRefused } = this.#ports;
    const packet = sealed.at(path);
    return packet === undefined ? spool.quarantine(path, reason) : onRefused(packet, reason);
  }

  /**
   * Resolves when nothing is left of the packet: its members are removed, or have changed, and then
   * wait for another packet. Rejects with the first Fault if some cannot be removed now.
   */
  async #removeMembers(
    packet: SealedPacket,
    file: OpenFile,
    proof: Proof,
    waitForRoom: WaitForRoom,
  ): Promise<void> {
    const { sizeBytes, sha256Hex, id } = packet.entry.packet;
    if (!sameContentIdentity(await file.currentIdentity(), packet.entry.identity))
      throw changedFault('remove the members of', `${file.path}`, 'has changed');
    const sentSha256Hex = proof.sha256Hex ?? (await sha256Of(file));
    const sent = { identity: packet.entry.identity, sizeBytes, sha256Hex, sentSha256Hex };
    // Only what the next start tells depends on it. A full disk must not keep files on it.
    await this.#ports.folder.noteStored(id).catch(() => undefined);
    const failures: unknown[] = [];
    const repeated: PacketMember[] = [];
    const members = [...packet.left.values()].values();
    const removeOthers = async () => {
      for (const member of members)
        await this.#removeMember(packet, member, { proof, sent, waitForRoom }).then(
          (isLeft) => isLeft && repeated.push(member),
          (error: unknown) => failures.push(error),
        );
    };
    await Promise.all(Array.from({ length: AT_ONCE }, removeOthers));
    if (repeated.length > 0) this.#ports.onRepeated(packet, repeated);
    if (failures.length > 0) throw failures[0];
    await this.#ports.folder.discard(id);
  }

  /** Resolves with true if the member is left to another packet as it is. */
  async #removeMember(packet: SealedPacket, member: PacketMember, proven: ProvenPacket): Promise<boolean> {
    const { backlog, onRemoved } = this.#ports;
    try {
      await this.#dispose(member, proven);
    } catch (error) {
      if (!(error instanceof Fault) || error.faultClass !== 'changed') throw error;
      backlog.settle(packet, member, error.code === 'ENOENT' ? 'gone' : 'changed');
      return error.code === STILL_WRITTEN || error.code === TOUCHED;
    }
    packet.entry.removed.push(member);
    backlog.settle(packet, member, 'gone');
    onRemoved(member);
    return false;
  }

  /** Rejects with Fault `changed` if the member is not the file that was packed. */
  async #dispose(
    { path, identity, sha256Hex }: PacketMember,
    { proof, sent, waitForRoom }: ProvenPacket,
  ): Promise<void> {
    const { spool } = this.#ports;
    const allowed = membersProof(proof, sent, [identity]);
    if (!isProof(allowed)) throw unprovenFault(path, allowed.doubt);
    const file = await spool.openFile(path);
    try {
      refuseOther(file, identity);
      // Only the bytes can tell if ctime alone has changed.
      const isUnchanged = async () => (await sha256Of(file)) === sha256Hex;
      await dispose(() => spool.setAside(file, { identity, isUnchanged }), allowed, waitForRoom);
    } finally {
      await file.close();
    }
  }
}

interface ProvenPacket {
  readonly proof: Proof;
  readonly sent: SentPacket;
  readonly waitForRoom: WaitForRoom;
}

function refuseOther({ path, identity }: OpenFile, packed: FileIdentity): void {
  if (!sameContentIdentity(identity, packed))
    throw changedFault('remove', `${path}`, 'changed since it was packed');
}

function unprovenFault(path: SpoolPath, doubt: string): Fault {
  const message = `${path} is not removed: ${doubt}`;
  const hint = 'The file stays in the spool, and halfpipe packs it again.';
  const subject = `${path}`;
  return new Fault('unknown', message, {
    operation: 'remove',
    subject,
    hint,
    code: NOT_PROVEN,
    isLocal: true,
  });
}

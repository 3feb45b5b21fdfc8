// The spool as the drain sees it where small files travel in packets: a packet is removed by the
// removal of its members.
import { dispose, type SetAside } from '../drain/dispose.ts';
import type { DrainEvent } from '../drain/drain-event.ts';
import { asFault } from '../drain/drain-faults.ts';
import type { DrainSpool } from '../drain/drain-ports.ts';
import type { FoundObject, KnownObject } from '../drain/known-object.ts';
import type { OpenFile } from '../drain/transfer.ts';
import { isProof, membersProof, type Proof } from '../drain/verify.ts';
import { type FileIdentity, type KnownContent, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import type { QuarantineReason } from '../spool/quarantine.ts';
import type { WaitForRoom } from '../spool/salvage.ts';
import { changedFault, STILL_WRITTEN, TOUCHED } from '../spool/spool-fault.ts';
import { NOT_PROVEN } from '../store/evidence.ts';
import type { UploadJournal } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import { Fault, type FaultClass } from '../system/fault.ts';
import { sha256Of } from './file-digest.ts';
import type { PackedBacklog } from './packed-backlog.ts';
import type { PackedManifest } from './packed-manifest.ts';
import type { PacketMember } from './packet.ts';
import type { PacketFolder } from './packet-folder.ts';
import type { SealedPacket, SealedPackets } from './sealed-packets.ts';

export interface PackedSpoolPorts {
  readonly spool: DrainSpool;
  readonly folder: PacketFolder;
  readonly sealed: SealedPackets;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly backlog: Pick<PackedBacklog, 'settle' | 'alone'>;
  /** Gets a line for each member. */
  readonly manifest: Pick<PackedManifest, 'record'>;
  /** Asks the store for a packet; see findObject(). */
  readonly find: (packet: KnownObject, signal: AbortSignal) => Promise<FoundObject | undefined>;
  /** The file has left the spool. */
  readonly onRemoved: (member: PacketMember) => void;
  /** These members are as they were packed, and have to be sent again nevertheless. */
  readonly onRepeated: (packet: SealedPacket, members: readonly PacketMember[]) => void;
  /** A packet is refused. */
  readonly onRefused: (packet: SealedPacket, reason: QuarantineReason) => Promise<void>;
  /** The packet's own file is lost, and the store does not have it. */
  readonly onLost: (packet: SealedPacket) => Promise<void>;
  readonly onEvent: (event: DrainEvent) => void;
}

/** How many members are removed at the same time: writers are asked for many of them together. */
const AT_ONCE = 128;
/** The pause between attempts to save what was written to a file during its removal. */
const WAIT_FOR_ROOM_MS = 1_000;
/** These pass, or concern the whole spool. Nothing is known of the one file. */
const PASSING: readonly FaultClass[] = ['transient', 'breaker'];

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
  async openFile(path: SpoolPath, signal = new AbortController().signal): Promise<OpenFile> {
    const { spool, sealed } = this.#ports;
    const packet = sealed.at(path);
    if (packet === undefined) return spool.openFile(path);
    const file = packet.isLost ? undefined : await this.#openPacket(packet);
    if (file !== undefined) return file;
    packet.isLost = true;
    await this.#endLost(packet, signal);
    throw packetGoneFault(path);
  }

  journal(file: OpenFile): UploadJournal {
    return this.#ports.spool.journal(file);
  }

  async setAside(file: OpenFile, known: KnownContent): Promise<SetAside> {
    const packet = this.#ports.sealed.at(file.path);
    if (packet === undefined) return this.#ports.spool.setAside(file, known);
    const stuck: PacketMember[] = [];
    return {
      stuck,
      remove: async (proof, waitForRoom) => {
        if (!sameContentIdentity(await file.currentIdentity(), packet.entry.identity))
          throw changedFault('remove the members of', `${file.path}`, 'has changed');
        const sentSha256Hex = proof.sha256Hex ?? (await sha256Of(file));
        stuck.push(...(await this.#removeMembers(packet, { proof, sentSha256Hex, waitForRoom })));
      },
    };
  }

  /** A packet that the store refuses is split: one of its members may be to blame. */
  quarantine(path: SpoolPath, reason: QuarantineReason): Promise<unknown> {
    const { spool, sealed, onRefused } = this.#ports;
    const packet = sealed.at(path);
    return packet === undefined ? spool.quarantine(path, reason) : onRefused(packet, reason);
  }

  /** Resolves with undefined if the file is not the one that was packed, or cannot be opened. */
  async #openPacket(packet: SealedPacket): Promise<OpenFile | undefined> {
    const { path, identity } = packet.entry;
    const noteLost = (error: unknown) => {
      if (PASSING.includes(asFault(error).faultClass)) throw error;
      packet.isLost = true;
    };
    try {
      const file = await this.#ports.spool.openFile(path);
      if (!sameContentIdentity(file.identity, identity)) {
        await file.close();
        return undefined;
      }
      const read = file.read.bind(file);
      return Object.assign(file, {
        sync: async () => undefined,
        read: (...asked: Parameters<typeof read>) =>
          read(...asked).catch((error: unknown) => {
            noteLost(error);
            throw error;
          }),
      });
    } catch (error) {
      noteLost(error);
      return undefined;
    }
  }

  /**
   * Resolves when nothing is left of a packet whose own file is lost: if the store has it, its
   * members are removed, else they are to go again. Rejects with a Fault if that cannot be done
   * now.
   */
  async #endLost(packet: SealedPacket, signal: AbortSignal): Promise<void> {
    const { clock, find, manifest, onLost, onEvent } = this.#ports;
    const { entry } = packet;
    const { bucket, key, sizeBytes, sha256Hex } = entry.packet;
    const startedAtMs = clock.monotonicMs();
    const found = await find({ key, sizeBytes, sha256Hex, identity: entry.identity }, signal);
    if (found === undefined) return onLost(packet);
    const { upload, proof } = found;
    const durationMs = clock.monotonicMs() - startedAtMs;
    const { mtimeNs } = entry.identity;
    await manifest.record({ path: entry.path, mtimeNs, bucket, upload, verifiedBy: proof.by, durationMs });
    const waitForRoom: WaitForRoom = async (fault) => {
      onEvent({ kind: 'unsaved', path: entry.path, fault });
      await clock.sleep(WAIT_FOR_ROOM_MS, signal);
    };
    const proven = { proof, sentSha256Hex: proof.sha256Hex ?? '', waitForRoom };
    // The drain remembers what is stuck only of packets that it has sent: here, that goes again.
    await this.#removeMembers(packet, proven);
    const transferred = { proof, outcome: upload.outcome, multipart: false, sha256Hex };
    onEvent({ kind: 'uploaded', entry, transferred, durationMs });
  }

  /**
   * Resolves when nothing is left of the packet: its members are removed, or have changed, and then
   * wait for another packet. Resolves with those that have to be removed one by one, because
   * something keeps them. Rejects with the first Fault if others cannot be removed now.
   */
  async #removeMembers(
    packet: SealedPacket,
    { proof, sentSha256Hex, waitForRoom }: ProvenPacket,
  ): Promise<PacketMember[]> {
    const { folder, backlog, onRepeated } = this.#ports;
    const { identity } = packet.entry;
    const { sizeBytes, sha256Hex, id } = packet.entry.packet;
    const sent = { identity, sizeBytes, sha256Hex, sentSha256Hex };
    const prove = (member: PacketMember) => {
      const allowed = membersProof(proof, sent, [member.identity]);
      if (isProof(allowed)) return allowed;
      packet.isLost = true;
      throw unprovenFault(member.path, allowed.doubt);
    };
    // Only what the next start tells depends on it. A full disk must not keep files on it.
    await folder.noteStored(id).catch(() => undefined);
    const failures: unknown[] = [];
    const left: Record<Left, PacketMember[]> = { stuck: [], repeated: [] };
    const members = [...packet.left.values()].values();
    const removeOthers = async () => {
      for (const member of members)
        try {
          const isLeft = await this.#removeMember(packet, member, prove(member), waitForRoom);
          if (isLeft !== undefined) left[isLeft].push(member);
        } catch (error) {
          failures.push(error);
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, removeOthers));
    const { stuck, repeated } = left;
    if (repeated.length > 0) onRepeated(packet, repeated);
    if (failures.length > 0) throw failures[0];
    await folder.discard(id);
    for (const member of stuck) backlog.alone(member);
    return stuck;
  }

  /**
   * Resolves with why this one member is left, if it is. Rejects with a Fault that passes, or that
   * concerns all members.
   */
  async #removeMember(
    packet: SealedPacket,
    member: PacketMember,
    proof: Proof,
    waitForRoom: WaitForRoom,
  ): Promise<Left | undefined> {
    const { backlog, onRemoved } = this.#ports;
    try {
      await this.#dispose(member, proof, waitForRoom);
    } catch (error) {
      const { faultClass, code } = asFault(error);
      if (PASSING.includes(faultClass)) throw error;
      if (faultClass !== 'changed') return 'stuck';
      backlog.settle(packet, member, code === 'ENOENT' ? 'gone' : 'changed');
      return code === STILL_WRITTEN || code === TOUCHED ? 'repeated' : undefined;
    }
    packet.entry.removed.push(member);
    backlog.settle(packet, member, 'gone');
    onRemoved(member);
    return undefined;
  }

  /** Rejects with Fault `changed` if the member is not the file that was packed. */
  async #dispose(
    { path, identity, sha256Hex }: PacketMember,
    proof: Proof,
    waitForRoom: WaitForRoom,
  ): Promise<void> {
    const { spool } = this.#ports;
    const file = await spool.openFile(path);
    try {
      refuseOther(file, identity);
      // Only the bytes can tell if ctime alone has changed.
      const isUnchanged = async () => (await sha256Of(file)) === sha256Hex;
      await dispose(() => spool.setAside(file, { identity, isUnchanged }), proof, waitForRoom);
    } finally {
      await file.close();
    }
  }
}

/** `stuck`: something keeps it in the spool. `repeated`: it goes with another packet, as it is. */
type Left = 'stuck' | 'repeated';

interface ProvenPacket {
  readonly proof: Proof;
  /** The digest of the packet's file as it was sent. */
  readonly sentSha256Hex: string;
  readonly waitForRoom: WaitForRoom;
}

function refuseOther({ path, identity }: OpenFile, packed: FileIdentity): void {
  if (!sameContentIdentity(identity, packed))
    throw changedFault('remove', `${path}`, 'changed since it was packed');
}

/** The drain forgets a packet that is gone, and asks no more of it. */
function packetGoneFault(path: SpoolPath): Fault {
  const details = { operation: 'open', subject: `${path}`, code: 'ENOENT', isLocal: true };
  return new Fault('changed', `${path} is gone`, details);
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

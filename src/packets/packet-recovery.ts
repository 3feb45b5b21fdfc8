// Finds the packets that an earlier run has left, and the members that are still in the spool.
import type { OpenFile } from '../drain/transfer.ts';
import type { SpoolPath } from '../spool/entry.ts';
import { isStillThere } from '../spool/still-there.ts';
import { Fault } from '../system/fault.ts';
import { sha256Of } from './file-digest.ts';
import { oldestOf, type PacketEntry, type PacketMember, type PacketPlan } from './packet.ts';
import type { PacketEvent } from './packet-event.ts';
import type { PacketFolder } from './packet-folder.ts';

export interface RecoveryPorts {
  readonly spool: { openFile(path: SpoolPath): Promise<OpenFile> };
  readonly folder: PacketFolder;
  readonly onEvent: (event: PacketEvent) => void;
}

export interface RecoveredPacket {
  readonly entry: PacketEntry;
  /** See SealedPacket. */
  readonly isLost: boolean;
  /** Those that are still in the spool as they were packed. */
  readonly members: readonly PacketMember[];
}

/**
 * Yields each packet that has a plan and members in the spool, the oldest first, and removes what
 * is left of the others. A file belongs to one packet at most. Rejects with a Fault if the folder
 * cannot be read.
 */
export async function* recoverPackets({
  spool,
  folder,
  onEvent,
}: RecoveryPorts): AsyncGenerator<RecoveredPacket> {
  const claimed = new Set<string>();
  for (const id of await folder.ids()) {
    const plan = await folder.load(id);
    const isStored = await folder.isStored(id);
    const [members, gone]: [PacketMember[], PacketMember[]] = [[], []];
    for (const member of plan?.members ?? []) {
      if (claimed.has(member.path.id)) continue;
      if (await isStillThere(spool, member)) members.push(member);
      else if (isStored) gone.push(member);
    }
    if (plan !== undefined && members.length > 0) {
      for (const { path } of members) claimed.add(path.id);
      const { entry, isLost } = await look(plan, folder.pathOf(id), spool);
      entry.removed.push(...gone);
      yield { entry, members, isLost };
      continue;
    }
    await folder.drop(id);
    if (plan !== undefined && gone.length > 0)
      onEvent({ kind: 'membersUploaded', packet: plan, members: gone });
    // It was about to leave the disk.
    if (isStored) continue;
    const reason = plan === undefined ? 'it was not complete' : 'its files are gone';
    onEvent({ kind: 'packetDropped', id, reason, repeated: 0 });
  }
}

/** `isLost`: its file is not as it was packed, or cannot be read. */
async function look(
  packet: PacketPlan,
  path: SpoolPath,
  spool: RecoveryPorts['spool'],
): Promise<Pick<RecoveredPacket, 'entry' | 'isLost'>> {
  const { key, sizeBytes, members } = packet;
  const modifiedAtMs = oldestOf(members);
  const facts: Omit<PacketEntry, 'identity'> = {
    ...{ path, modifiedAtMs, key, packet },
    ...{ removed: [], isPacket: true, mayBeStored: true },
  };
  try {
    const file = await spool.openFile(path);
    try {
      const isLost = file.sizeBytes !== sizeBytes || (await sha256Of(file)) !== packet.sha256Hex;
      return { entry: { ...facts, identity: { ...file.identity, sizeBytes } }, isLost };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const identity = { dev: 0n, ino: 0n, sizeBytes, mtimeNs: 0n, ctimeNs: 0n };
    return { entry: { ...facts, identity }, isLost: true };
  }
}

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
  /** Those that are still in the spool as they were packed. */
  readonly members: readonly PacketMember[];
}

/**
 * Yields each packet that is whole and has members in the spool, the oldest first, and removes what
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
    const entry = plan && members.length > 0 ? await entryOf(plan, folder.pathOf(id), spool) : undefined;
    if (entry !== undefined) {
      for (const { path } of members) claimed.add(path.id);
      entry.removed.push(...gone);
      yield { entry, members };
      continue;
    }
    await folder.drop(id);
    if (plan !== undefined && gone.length > 0)
      onEvent({ kind: 'membersUploaded', packet: plan, members: gone });
    // It was about to leave the disk.
    if (isStored && members.length === 0) continue;
    const reason =
      plan === undefined
        ? 'it was not complete'
        : members.length === 0
          ? 'its files are gone'
          : 'it is damaged';
    onEvent({ kind: 'packetDropped', id, reason, repeated: members.length });
  }
}

/** Resolves with undefined if the packet is not as it was packed. */
async function entryOf(
  packet: PacketPlan,
  path: SpoolPath,
  spool: RecoveryPorts['spool'],
): Promise<PacketEntry | undefined> {
  try {
    const file = await spool.openFile(path);
    try {
      if (file.sizeBytes !== packet.sizeBytes || (await sha256Of(file)) !== packet.sha256Hex)
        return undefined;
      const modifiedAtMs = oldestOf(packet.members);
      const { identity } = file;
      return {
        path,
        identity,
        modifiedAtMs,
        key: packet.key,
        packet,
        removed: [],
        isPacket: true,
        mayBeStored: true,
      };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

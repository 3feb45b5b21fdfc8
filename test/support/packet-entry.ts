// A packet, as the drain takes it from the backlog, for tests of what is told about it.
import { createHash } from 'node:crypto';
import type { PacketEntry, PacketMember } from '../../src/packets/packet.ts';
import { SpoolPath } from '../../src/spool/entry.ts';

/** All its members of `memberBytes` bytes have left the spool. */
export function packetEntry(key: string, names: readonly string[], memberBytes = 5): PacketEntry {
  const identity = { dev: 1n, ino: 1n, sizeBytes: memberBytes, mtimeNs: 1n, ctimeNs: 1n };
  const members = names.map(
    (name): PacketMember => ({
      path: SpoolPath.from(name),
      identity,
      modifiedAtMs: 1_000,
      name,
      sha256Hex: createHash('sha256').update(name).digest('hex'),
    }),
  );
  const sizeBytes = 5;
  return {
    path: SpoolPath.from('.halfpipe/packets/p1.zip'),
    identity: { ...identity, sizeBytes },
    modifiedAtMs: 0,
    packet: {
      ...{ id: 'p1', key, bucket: 'bucket', endpoint: undefined, prefix: '', createdAtMs: 0 },
      ...{ sizeBytes, sha256Hex: 'ab'.repeat(32), members },
    },
    key,
    isPacket: true,
    removed: [...members],
  };
}

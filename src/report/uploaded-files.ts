// Which files an `uploaded` event is about: one, or those of a packet.
import type { DrainEvent } from '../drain/drain-event.ts';
import { isPacket, type PacketMember } from '../packets/packet.ts';

type Uploaded = Extract<DrainEvent, { readonly kind: 'uploaded' }>;

export interface UploadedFiles {
  readonly files: number;
  /** The size of the files. A packet may be smaller. */
  readonly bytes: number;
  /** The files that have left the spool with their packet; undefined for a file by itself. */
  readonly members: readonly PacketMember[] | undefined;
}

export function uploadedFiles({ entry }: Uploaded): UploadedFiles {
  if (!isPacket(entry)) return { files: 1, bytes: entry.identity.sizeBytes, members: undefined };
  const bytes = entry.removed.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
  return { files: entry.removed.length, bytes, members: entry.removed };
}

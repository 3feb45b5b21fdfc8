// Log lines about packets: what became of the files in each, and why one was not sent.
import type { DrainEvent } from '../drain/drain-event.ts';
import type { Logger } from '../log/log.ts';
import { namesForLine } from '../log/named-files.ts';
import type { PacketMember, PacketPlan } from '../packets/packet.ts';
import type { PacketEvent } from '../packets/packet-event.ts';
import { explain } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { readableCount, readableDuration, readableFiles, readableSize } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';
import { uploadedFiles } from './uploaded-files.ts';

type Of<Kind extends PacketEvent['kind']> = Extract<PacketEvent, { readonly kind: Kind }>;

export function packetLines(log: Logger): Listener {
  return (event) => {
    switch (event.kind) {
      case 'packed':
        return tellPacked(log, event);
      case 'packetSplit': {
        const { packet, reason, repeated } = event;
        const { key, members } = packet;
        const what = `${packetText(packet)} is refused: ${reason}`;
        const halves = 'its files are packed again in halves, to find the one that is to blame';
        return log.warn(
          { event: 'packetSplit', key, files: members.length, reason, repeated },
          `${what}; ${halves}${repeatedText(repeated)}`,
        );
      }
      case 'packetDropped': {
        const { id, reason, repeated } = event;
        const record = { event: 'packetDropped', packet: id, reason, repeated };
        const text = `packet ${id} is not sent any more: ${reason}`;
        if (repeated === 0) return log.info(record, text);
        return log.warn(record, `${text}${repeatedText(repeated)}`);
      }
      case 'membersUploaded':
        return tellMembers(log, event);
      case 'membersRepeated': {
        const { packet, members } = event;
        const file = namesForLine(members.map(({ path }) => `${path}`));
        const what = `${readableFiles(members.length)} of ${printable(packet.key)} cannot be removed yet`;
        return log.info(
          { event: 'membersRepeated', key: packet.key, file, files: members.length },
          `${what}, and may be stored a second time: they are open for writing, or their permissions change`,
        );
      }
      case 'packingRests': {
        const { why, fault, forMs } = event;
        const what = `files are sent by themselves for ${readableDuration(forMs)}`;
        const text =
          why === 'refused'
            ? `${what}, because the store refuses packets: ${explain(fault)}`
            : `${what}, because no packet can be written: ${explain(fault)}`;
        return log.warn({ event: 'packingRests', why, fault, forMs }, text);
      }
    }
  };
}

function repeatedText(files: number): string {
  return files === 0 ? '' : `; ${readableFiles(files)} of it may be stored a second time`;
}

/** `the packet packets/….zip of 500 files`. */
export function packetText({ key, members }: Pick<PacketPlan, 'key' | 'members'>): string {
  return `the packet ${printable(key)} of ${readableFiles(members.length)}`;
}

function tellPacked(log: Logger, { packet }: Of<'packed'>): void {
  if (log.level !== 'debug') return;
  const { id, key, sizeBytes, members } = packet;
  const fileBytes = members.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
  log.debug(
    { event: 'packed', packet: id, key, files: members.length, bytes: fileBytes, packetBytes: sizeBytes },
    `packed ${readableFiles(members.length)}, ${readableSize(fileBytes)}, into ${readableSize(sizeBytes)} for ${printable(key)}`,
  );
}

/**
 * One line for a packet. The journal finds each of its files by its name, so that a packet with
 * more names than one entry takes has further lines.
 */
export function tellPacket(
  log: Logger,
  event: Extract<DrainEvent, { readonly kind: 'uploaded' }>,
  members: readonly PacketMember[],
): void {
  const { proof, outcome } = event.transferred;
  const { bytes } = uploadedFiles(event);
  const stored = outcome === 'stored';
  const kind = { event: stored ? 'uploaded' : 'alreadyThere', key: proof.key };
  const key = printable(proof.key);
  const names = members.map(({ path }) => `${path}`);
  const first = namesForLine(names);
  const packed = `packed into ${readableSize(proof.sizeBytes)}`;
  const what = stored
    ? `uploaded ${readableFiles(names.length)} as ${key}`
    : `${readableFiles(names.length)} were in the bucket already as ${key}`;
  log.info(
    {
      ...kind,
      file: first,
      files: names.length,
      bytes,
      packetBytes: proof.sizeBytes,
      durationMs: Math.round(event.durationMs),
      verifiedBy: proof.by,
      sha256: event.transferred.sha256Hex,
    },
    `${what}, ${readableSize(bytes)} ${packed}, in ${(event.durationMs / 1000).toFixed(2)} s, verified and deleted`,
  );
  tellOthers(log, kind, names.slice(first.length));
}

/** See PacketEvent. */
function tellMembers(log: Logger, { packet: { key }, members }: Of<'membersUploaded'>): void {
  const names = members.map(({ path }) => `${path}`);
  const bytes = members.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
  const kind = { event: 'uploaded', key };
  const file = namesForLine(names);
  log.info(
    { ...kind, file, files: names.length, bytes },
    `uploaded ${readableFiles(names.length)} as ${printable(key)}, ${readableSize(bytes)}, verified and deleted before the packet was left`,
  );
  tellOthers(log, kind, names.slice(file.length));
}

function tellOthers(
  log: Logger,
  kind: { readonly event: string; readonly key: string },
  names: readonly string[],
): void {
  for (let told = 0; told < names.length; ) {
    const file = namesForLine(names.slice(told));
    told += file.length;
    log.info({ ...kind, file }, `${readableCount(file.length)} more files of ${printable(kind.key)}`);
  }
}

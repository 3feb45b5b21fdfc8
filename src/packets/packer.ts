// Writes a group of files as one packet. What fails with a file here says nothing: that file is
// sent by itself and fails again there, where it is judged.
import { createHash, hash as hashAtOnce } from 'node:crypto';
import type { OpenFile } from '../drain/transfer.ts';
import { type Entry, type FileIdentity, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import { spoolFault } from '../spool/spool-fault.ts';
import { isZipName } from '../store/zip/zip-name.ts';
import { ZipWriter } from '../store/zip/zip-writer.ts';
import { ContentMemory } from '../system/content-memory.ts';
import type { Compression } from './compression.ts';
import { oldestOf, type PacketEntry, type PacketMember } from './packet.ts';
import type { PacketFolder } from './packet-folder.ts';
import type { Group } from './packing.ts';

/** Where packets go, by the settings in force. */
export interface PacketPlace {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly prefix: string;
}

export interface PackerPorts {
  readonly spool: { openFile(path: SpoolPath): Promise<OpenFile> };
  readonly folder: PacketFolder;
  readonly place: PacketPlace;
  readonly compression: Compression;
  /** The packet's key; see packetKey(). */
  readonly keyOf: (group: string, wallMs: number, digestHex: string) => string;
}

export interface Packed {
  /** Undefined if fewer than two files could be packed. */
  readonly entry: PacketEntry | undefined;
  /** Files that are not in the packet. */
  readonly left: readonly Entry[];
}

/**
 * How much is read ahead of the file that is packed: the disk may stall, and whether files are open
 * for writing is asked of many together.
 */
const AHEAD = { files: 128, bytes: 4 * 1024 ** 2 };

/**
 * Resolves when packet and plan are durable. Rejects with a Fault if the packet cannot be written,
 * or with the signal's reason; nothing is left of it then.
 */
export async function pack(
  { name, entries }: Group,
  wallMs: number,
  { folder, place, ...ports }: PackerPorts,
  signal: AbortSignal,
): Promise<Packed> {
  const { id, file } = await folder.create(wallMs);
  try {
    const sha256 = createHash('sha256');
    const zip = new ZipWriter((block) => {
      sha256.update(block);
      return file.write(block);
    });
    const members: PacketMember[] = [];
    const left: Entry[] = [];
    const source = { spool: ports.spool, memory: new ContentMemory(AHEAD.bytes) };
    for await (const { entry, read } of readAhead(entries, source, signal)) {
      if (read === undefined) left.push(entry);
      else {
        members.push(await add(zip, entry, read, ports.compression));
        source.memory.giveBack(read.content);
      }
    }
    if (members.length < 2) {
      await folder.discard(id);
      return { entry: undefined, left: entries };
    }
    const sizeBytes = await zip.end();
    const sha256Hex = sha256.digest('hex');
    const identity = await file.end();
    signal.throwIfAborted();
    const key = ports.keyOf(name, wallMs, sha256Hex);
    const packet = { id, key, ...place, createdAtMs: wallMs, sizeBytes, sha256Hex, members };
    await folder.save(packet);
    const modifiedAtMs = oldestOf(members);
    return {
      entry: { path: folder.pathOf(id), identity, modifiedAtMs, key, packet, removed: [], isPacket: true },
      left,
    };
  } catch (error) {
    await folder.discard(id).catch(() => undefined);
    signal.throwIfAborted();
    throw spoolFault(error, 'write packet', id);
  } finally {
    await file.close();
  }
}

/** A file as it was read; undefined if that failed. */
interface ReadFile {
  readonly identity: FileIdentity;
  readonly content: Buffer;
}

interface Source {
  readonly spool: PackerPorts['spool'];
  /** What is read goes here. */
  readonly memory: ContentMemory;
}

/** Yields the entries in their order, each with what was read. */
async function* readAhead(entries: readonly Entry[], source: Source, signal: AbortSignal) {
  const reading: Promise<ReadFile | undefined>[] = [];
  let aheadBytes = 0;
  for (const [at, entry] of entries.entries()) {
    for (let next = at + reading.length; ; next += 1) {
      const ahead = entries[next];
      const isEnough = reading.length >= AHEAD.files || aheadBytes >= AHEAD.bytes;
      if (ahead === undefined || (isEnough && reading.length > 0)) break;
      aheadBytes += ahead.identity.sizeBytes;
      reading.push(readWhole(ahead, source, signal).catch(() => undefined));
    }
    const read = await reading.shift();
    aheadBytes -= entry.identity.sizeBytes;
    signal.throwIfAborted();
    yield { entry, read };
  }
}

/**
 * Rejects if the file is not the one that was found, is open for writing, or changes while it is
 * read.
 */
async function readWhole(
  { path, identity: found }: Entry,
  { spool, memory }: Source,
  signal: AbortSignal,
): Promise<ReadFile | undefined> {
  if (!isZipName(path.bytes.toString('utf8'))) return undefined;
  const file = await spool.openFile(path);
  try {
    const { identity, sizeBytes } = file;
    if (!sameContentIdentity(identity, found)) return undefined;
    // The sync comes first. Otherwise the store could get content that a power cut then takes from
    // the spool.
    await file.sync(signal);
    const content = await file.read(0, sizeBytes, memory.take(sizeBytes));
    // Asked after reading, when all content is there.
    if ((await file.writers()) === 'some') return undefined;
    const isSteady = sameContentIdentity(await file.currentIdentity(), identity);
    return isSteady ? { identity, content } : undefined;
  } finally {
    await file.close();
  }
}

async function add(
  zip: ZipWriter,
  { path, modifiedAtMs }: Entry,
  { identity, content }: ReadFile,
  compression: Compression,
): Promise<PacketMember> {
  const name = path.bytes.toString('utf8');
  const compress = await compression.pays(name, content);
  const sha256Hex = hashAtOnce('sha256', content);
  await zip.add(name, content, { modifiedAtMs, compress });
  return { path, identity, modifiedAtMs, name, sha256Hex };
}

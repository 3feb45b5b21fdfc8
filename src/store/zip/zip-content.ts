// Brings members of a zip back. What is yielded has the size and the CRC-32 of the index, or the
// iteration ends with a Fault.
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { errnoOf } from '../../system/fault.ts';
import { printable } from '../../system/printable.ts';
import type { ZipMember } from './zip-index.ts';
import { damagedFault, type ZipSource } from './zip-source.ts';

const SIGNATURE = 0x04034b50;
const FIXED_BYTES = 30;
/** What others write between header and content. halfpipe writes nothing there. */
const SPARE_BYTES = 256;

/**
 * Yields the content of one member, with one read of the source; with two if the header is longer
 * than expected. Only the end of the iteration tells that the bytes are right.
 */
export async function* contentOf(source: ZipSource, member: ZipMember): AsyncGenerator<Uint8Array> {
  const { offset, headerBytes, storedBytes } = member;
  const spanBytes = Math.min(headerBytes + storedBytes + SPARE_BYTES, source.sizeBytes - offset);
  const bytes = new ByteSequence(source, offset, Math.max(0, spanBytes));
  try {
    yield* memberIn(bytes, source, member);
  } finally {
    await bytes.close();
  }
}

/**
 * Yields all members in the order of their bytes, with one read of the source. The content of a
 * member has to be read, to its end or not, before the next one is asked for.
 */
export async function* contentsOf(
  source: ZipSource,
  members: readonly ZipMember[],
): AsyncGenerator<{ readonly member: ZipMember; readonly content: AsyncGenerator<Uint8Array> }> {
  const inOrder = members.toSorted((a, b) => a.offset - b.offset);
  const endOf = (member: ZipMember) => member.offset + member.headerBytes + member.storedBytes;
  // No call takes as many arguments as a zip may have members.
  const end = inOrder.reduce((last, member) => Math.max(last, endOf(member)), 0);
  const bytes = new ByteSequence(source, 0, Math.min(end + SPARE_BYTES, source.sizeBytes));
  try {
    for (const member of inOrder) yield { member, content: memberIn(bytes, source, member) };
  } finally {
    await bytes.close();
  }
}

async function* memberIn(
  bytes: ByteSequence,
  source: ZipSource,
  member: ZipMember,
): AsyncGenerator<Uint8Array> {
  const { kind, offset, storedBytes, sizeBytes } = member;
  const subject = `${source.name}: ${printable(member.name)}`;
  if (kind === 'other') throw damagedFault(subject, 'is not a file that can be read: a link, or encrypted');
  await bytes.skipTo(offset, subject);
  const header = await bytes.takeAll(FIXED_BYTES, subject);
  if (header.readUInt32LE(0) !== SIGNATURE) throw damagedFault(subject, 'is not where the index says');
  const start = offset + FIXED_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  await bytes.reach(start + storedBytes, subject);
  await bytes.skipTo(start, subject);
  const stored = bytes.take(storedBytes, subject);
  let [readBytes, sum] = [0, 0];
  for await (const chunk of kind === 'stored' ? stored : inflated(stored, subject)) {
    readBytes += chunk.byteLength;
    sum = crc32(chunk, sum);
    if (readBytes > sizeBytes) break;
    yield chunk;
  }
  if (readBytes !== sizeBytes)
    throw damagedFault(subject, `is damaged: it has another size than the ${sizeBytes} bytes of the index`);
  if (sum !== member.crc32) throw damagedFault(subject, 'is damaged: its CRC-32 is not that of the index');
}

async function* inflated(stored: AsyncGenerator<Uint8Array>, subject: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  const fed = pipeline(stored, inflate).catch(() => undefined);
  try {
    yield* inflate;
  } catch (error) {
    if (errnoOf(error)?.startsWith('Z_') !== true) throw error;
    throw damagedFault(subject, 'is damaged: it cannot be inflated', error);
  } finally {
    inflate.destroy();
    // Nothing may still take from `stored` when the next member does.
    await fed;
  }
}

/** The bytes of one read, taken from the front. */
class ByteSequence {
  readonly #source: ZipSource;
  #end: number;
  #position: number;
  #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);

  constructor(source: ZipSource, offset: number, lengthBytes: number) {
    this.#source = source;
    this.#position = offset;
    this.#end = offset + lengthBytes;
    this.#chunks = source.read(offset, lengthBytes)[Symbol.asyncIterator]();
  }

  /** Yields `lengthBytes` bytes. */
  async *take(lengthBytes: number, subject: string): AsyncGenerator<Uint8Array> {
    const end = this.#position + lengthBytes;
    while (this.#position < end) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw damagedFault(subject, 'is damaged: it is cut');
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, end - this.#position);
      this.#rest = this.#rest.subarray(piece.byteLength);
      this.#position += piece.byteLength;
      if (piece.byteLength > 0) yield piece;
    }
  }

  /** Resolves with `lengthBytes` bytes, which are all held in memory. */
  async takeAll(lengthBytes: number, subject: string): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.take(lengthBytes, subject)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Rejects if that is behind: two members that share bytes are damage, or an attack. */
  async skipTo(position: number, subject: string): Promise<void> {
    if (position < this.#position) throw damagedFault(subject, 'is damaged: it begins within another member');
    for await (const _ of this.take(position - this.#position, subject));
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Makes sure that the bytes up to `end` can be taken, with another read if need be. */
  async reach(end: number, subject: string): Promise<void> {
    if (end <= this.#end) return;
    if (end > this.#source.sizeBytes) throw damagedFault(subject, 'is damaged: it is cut');
    await this.close();
    this.#rest = Buffer.alloc(0);
    this.#end = end;
    this.#chunks = this.#source.read(this.#position, end - this.#position)[Symbol.asyncIterator]();
  }
}

// Reads what a zip says about its members, from its end alone. yauzl knows the format. The reader
// below it asks the source for at most two pieces: the tail, and what of the index is before that.
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from 'yauzl';
import { Fault } from '../../system/fault.ts';
import { damagedFault, type ZipSource } from './zip-source.ts';

export interface ZipMember {
  readonly name: string;
  readonly sizeBytes: number;
  /** The bytes that the content takes in the zip. */
  readonly storedBytes: number;
  /** Milliseconds since the epoch; whole seconds. */
  readonly modifiedAtMs: number;
  readonly crc32: number;
  /** `other`: a link, a folder, encrypted, or compressed in a way that is not understood. */
  readonly kind: 'stored' | 'deflated' | 'other';
  /** Where the header in front of the content begins, and how long it is at least. */
  readonly offset: number;
  readonly headerBytes: number;
}

/** The end of a zip, with the longest comment, where the index begins to be looked for. */
export const TAIL_BYTES = 20 + 22 + 0xffff;
/** Two million members. Without a bound, a damaged zip could ask for all memory. */
const INDEX_BYTES_MAX = 256 * 1024 * 1024;
const HEADER_BYTES = 30;
const FILE_TYPE = 0o170_000;
const REGULAR_FILE = 0o100_000;
const MADE_ON_UNIX = 3;

/**
 * Resolves with the members in the order of the index. Rejects with a Fault if this is no zip, or
 * as `source` does.
 */
export async function readZipIndex(source: ZipSource): Promise<ZipMember[]> {
  try {
    const options = { decodeStrings: false, autoClose: false };
    const zip = await fromRandomAccessReaderPromise(new IndexReader(source), source.sizeBytes, options);
    const members: ZipMember[] = [];
    for await (const entry of zip.eachEntry()) members.push(memberOf(entry));
    return members;
  } catch (error) {
    if (error instanceof Fault || (error instanceof Error && error.name === 'AbortError')) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw damagedFault(source.name, `is not a zip, or is damaged: ${why}`, error);
  }
}

function memberOf(entry: Entry): ZipMember {
  const { uncompressedSize, compressedSize, crc32, relativeOffsetOfLocalHeader } = entry;
  const { generalPurposeBitFlag, fileNameRaw, fileNameLength, extraFields } = entry;
  return {
    name: getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true),
    sizeBytes: uncompressedSize,
    storedBytes: compressedSize,
    modifiedAtMs: entry.getLastModDate().getTime(),
    crc32,
    kind: kindOf(entry),
    offset: relativeOffsetOfLocalHeader,
    headerBytes: HEADER_BYTES + fileNameLength,
  };
}

function kindOf(entry: Entry): ZipMember['kind'] {
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
  const isOnUnix = entry.versionMadeBy >>> 8 === MADE_ON_UNIX;
  if (isOnUnix && type !== 0 && type !== REGULAR_FILE) return 'other';
  if (entry.fileNameRaw.at(-1) === 0x2f || !entry.canDecodeFileData()) return 'other';
  return entry.compressionMethod === 0 ? 'stored' : 'deflated';
}

/** Holds the end of the source, as far as it was read. A read before that brings all up to it. */
class IndexReader extends RandomAccessReader {
  readonly #source: ZipSource;
  #held = Buffer.alloc(0);

  constructor(source: ZipSource) {
    super();
    this.#source = source;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#hold(position, length).then(
      (start) => {
        this.#held.copy(buffer, offset, start, start + length);
        callback(null);
      },
      (error: Error) => callback(error),
    );
  }

  /** Resolves with the place of `position` in what is held. */
  async #hold(position: number, length: number): Promise<number> {
    const { name, sizeBytes } = this.#source;
    const heldFrom = sizeBytes - this.#held.byteLength;
    if (position < 0 || position + length > sizeBytes)
      throw damagedFault(name, 'is damaged: its index is cut');
    if (position < heldFrom) {
      const missingBytes = heldFrom - position;
      if (missingBytes > INDEX_BYTES_MAX) throw damagedFault(name, 'has an index that is too large');
      const chunks: Uint8Array[] = [];
      for await (const chunk of this.#source.read(position, missingBytes)) chunks.push(chunk);
      this.#held = Buffer.concat([...chunks, this.#held]);
    }
    return position - (sizeBytes - this.#held.byteLength);
  }
}

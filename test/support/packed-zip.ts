// A zip in memory, as halfpipe writes them.
import { ZipWriter } from '../../src/store/zip/zip-writer.ts';

export interface Packed {
  readonly name: string;
  readonly content: Buffer;
  readonly compress?: boolean;
}

/** 28 November 2026, 03:04:05 UTC. */
export const PACKED_AT_MS = Date.UTC(2026, 10, 28, 3, 4, 5);

/** Each content is overwritten as soon as it is added. */
export async function zipOf(members: Iterable<Packed>): Promise<Buffer> {
  const blocks: Buffer[] = [];
  const writer = new ZipWriter((block) => void blocks.push(Buffer.from(block)));
  for (const { name, content, compress = false } of members) {
    const given = Buffer.from(content);
    await writer.add(name, given, { modifiedAtMs: PACKED_AT_MS, compress });
    given.fill(0xee);
  }
  await writer.end();
  return Buffer.concat(blocks);
}

/** The zip with one name for another of the same length, wherever it stands. */
export function renamed(zip: Buffer, name: string, other: string): Buffer {
  const copy = Buffer.from(zip);
  for (let at = copy.indexOf(name); at !== -1; at = copy.indexOf(name, at + 1)) copy.write(other, at);
  return copy;
}

// Reads a zip for the oracle, apart from the code that is judged: every byte has to be accounted for.
import { crc32, inflateRawSync } from 'node:zlib';

const END_BYTES = 22;
const INDEX_BYTES = 46;
const HEADER_BYTES = 30;

/** The members by name. Throws when anything is not as the index says. */
export function unzipped(zip: Buffer): Map<string, Buffer> {
  const end = zip.length - END_BYTES;
  check(end >= 0 && zip.readUInt32LE(end) === 0x06054b50, 'has no end');
  const members = new Map<string, Buffer>();
  let [at, from] = [zip.readUInt32LE(end + 16), 0];
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    check(zip.readUInt32LE(at) === 0x02014b50, 'has a broken index');
    const nameBytes = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + INDEX_BYTES, at + INDEX_BYTES + nameBytes);
    const [sum, storedBytes, sizeBytes] = [16, 20, 24].map((field) => zip.readUInt32LE(at + field));
    check(zip.readUInt32LE(at + 42) === from, `does not have ${name} in its place`);
    check(zip.readUInt32LE(from) === 0x04034b50, `has no header of ${name}`);
    const headerName = zip.toString('utf8', from + HEADER_BYTES, from + HEADER_BYTES + nameBytes);
    check(headerName === name, `calls ${name} ${headerName} as well`);
    const begin = from + HEADER_BYTES + zip.readUInt16LE(from + 26) + zip.readUInt16LE(from + 28);
    const stored = zip.subarray(begin, begin + (storedBytes ?? 0));
    const content = zip.readUInt16LE(at + 10) === 0 ? Buffer.from(stored) : inflateRawSync(stored);
    check(content.length === sizeBytes && crc32(content) === sum, `has ${name} damaged`);
    check(!members.has(name), `has ${name} twice`);
    members.set(name, content);
    from = begin + stored.length;
    at += INDEX_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  check(at === end, 'has more than members and an index');
  return members;
}

function check(isRight: boolean, otherwise: string): void {
  if (!isRight) throw new Error(otherwise);
}

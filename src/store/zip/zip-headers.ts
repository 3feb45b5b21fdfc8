// The records of a zip around the contents, as APPNOTE.TXT describes them:
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Names are in UTF-8. Times are in
// UTC, once in steps of 2 s and once, as every reader knows it by now, in seconds.

export interface MemberFacts {
  readonly name: Buffer;
  readonly modifiedAtMs: number;
  readonly mode: number;
  readonly isDeflated: boolean;
  readonly crc32: number;
  readonly storedBytes: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffff_ffff;
const NAME_IS_UTF8 = 1 << 11;
const DEFLATED = 8;
/** Version 2.0 knows deflated members, 4.5 knows ZIP64. */
const [NEEDS_DEFLATE, NEEDS_ZIP64] = [20, 45];
/** Version 6.3 of the format, on Unix. */
const MADE_BY = (3 << 8) | 63;
const REGULAR_FILE = 0o100_000;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const TIME_BYTES = 9;
const ZIP64_OFFSET_BYTES = 12;
const END_BYTES = 22;
const ZIP64_END_BYTES = 56;
const ZIP64_LOCATOR_BYTES = 20;

/** The header in front of a content (4.3.7). */
export function localHeader(member: MemberFacts): Buffer {
  const header = Buffer.allocUnsafe(LOCAL_BYTES + member.name.byteLength + TIME_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(NEEDS_DEFLATE, 4);
  writeCommon(header, 6, member, TIME_BYTES);
  writeNameAndTime(header, LOCAL_BYTES, member);
  return header;
}

/** The record of a member in the index (4.3.12). */
export function centralRecord(member: MemberFacts): Buffer {
  const { offset, mode, name } = member;
  const isFar = offset >= MAX_32;
  const extraBytes = TIME_BYTES + (isFar ? ZIP64_OFFSET_BYTES : 0);
  const record = Buffer.alloc(CENTRAL_BYTES + name.byteLength + extraBytes);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(MADE_BY, 4);
  record.writeUInt16LE(isFar ? NEEDS_ZIP64 : NEEDS_DEFLATE, 6);
  writeCommon(record, 8, member, extraBytes);
  record.writeUInt32LE(((REGULAR_FILE | mode) << 16) >>> 0, 38);
  record.writeUInt32LE(Math.min(offset, MAX_32), 42);
  const end = writeNameAndTime(record, CENTRAL_BYTES, member);
  if (isFar) {
    record.writeUInt16LE(0x0001, end);
    record.writeUInt16LE(8, end + 2);
    record.writeBigUInt64LE(BigInt(offset), end + 4);
  }
  return record;
}

/** The end of the index (4.3.16), with the records of ZIP64 where they are needed. */
export function endOfIndex(members: number, offset: number, sizeBytes: number): Buffer {
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(members, MAX_16), 8);
  end.writeUInt16LE(Math.min(members, MAX_16), 10);
  end.writeUInt32LE(Math.min(sizeBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  if (members < MAX_16 && sizeBytes < MAX_32 && offset < MAX_32) return end;
  const far = Buffer.alloc(ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES);
  far.writeUInt32LE(0x06064b50, 0);
  far.writeBigUInt64LE(BigInt(ZIP64_END_BYTES - 12), 4);
  far.writeUInt16LE(MADE_BY, 12);
  far.writeUInt16LE(NEEDS_ZIP64, 14);
  far.writeBigUInt64LE(BigInt(members), 24);
  far.writeBigUInt64LE(BigInt(members), 32);
  far.writeBigUInt64LE(BigInt(sizeBytes), 40);
  far.writeBigUInt64LE(BigInt(offset), 48);
  far.writeUInt32LE(0x07064b50, ZIP64_END_BYTES);
  far.writeBigUInt64LE(BigInt(offset + sizeBytes), ZIP64_END_BYTES + 8);
  far.writeUInt32LE(1, ZIP64_END_BYTES + 16);
  return Buffer.concat([far, end]);
}

/** The fields from the flags to the length of the extra fields: both kinds of header have them. */
function writeCommon(header: Buffer, at: number, member: MemberFacts, extraBytes: number): void {
  header.writeUInt16LE(NAME_IS_UTF8, at);
  header.writeUInt16LE(member.isDeflated ? DEFLATED : 0, at + 2);
  header.writeUInt32LE(dosTime(member.modifiedAtMs), at + 4);
  header.writeUInt32LE(member.crc32, at + 8);
  header.writeUInt32LE(member.storedBytes, at + 12);
  header.writeUInt32LE(member.sizeBytes, at + 16);
  header.writeUInt16LE(member.name.byteLength, at + 20);
  header.writeUInt16LE(extraBytes, at + 22);
}

/** Writes the name and Info-ZIP's extended timestamp. Returns where they end. */
function writeNameAndTime(header: Buffer, at: number, { name, modifiedAtMs }: MemberFacts): number {
  const end = at + name.copy(header, at);
  header.writeUInt16LE(0x5455, end);
  header.writeUInt16LE(TIME_BYTES - 4, end + 2);
  header.writeUInt8(1, end + 4);
  const seconds = Math.floor(modifiedAtMs / 1_000);
  header.writeInt32LE(Math.max(-0x8000_0000, Math.min(seconds, 0x7fff_ffff)), end + 5);
  return end + TIME_BYTES;
}

/** The time in the lower 16 bits, the day in the upper ones; from 1980 to 2107 (4.4.6). */
function dosTime(ms: number): number {
  const time = new Date(Math.max(DOS_FIRST_MS, Math.min(ms, DOS_LAST_MS)));
  const day = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  const ofDay = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1);
  return ((day << 16) | ofDay) >>> 0;
}

const DOS_FIRST_MS = Date.UTC(1980, 0, 1);
const DOS_LAST_MS = Date.UTC(2107, 11, 31, 23, 59, 58);

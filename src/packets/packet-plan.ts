// How a packet's plan is written on the disk, and read strictly: a plan that is damaged says
// nothing about any file.
import { isUtf8 } from 'node:buffer';
import { SpoolPath } from '../spool/entry.ts';
import { componentsOf } from '../spool/open-directory.ts';
import type { PacketMember, PacketPlan } from './packet.ts';

const VERSION = 2;

/** A member as it is written: path in base64, ino, size, mtime, ctime, modified, digest. */
type MemberRow = readonly [string, string, number, string, string, number, string];

export function encodePlan({ members, endpoint, ...plan }: PacketPlan): string {
  const rows: MemberRow[] = members.map(({ path, identity, modifiedAtMs, sha256Hex }) => [
    path.bytes.toString('base64'),
    `${identity.ino}`,
    identity.sizeBytes,
    `${identity.mtimeNs}`,
    `${identity.ctimeNs}`,
    modifiedAtMs,
    sha256Hex,
  ]);
  return `${JSON.stringify({ version: VERSION, ...plan, endpoint: endpoint ?? null, members: rows })}\n`;
}

/**
 * Undefined for anything that encodePlan() did not write. `dev`: the file system that the plan is
 * in, and so are its members. Its number may have changed with a start of the machine.
 */
export function decodePlan(text: string, dev: bigint): PacketPlan | undefined {
  try {
    const { version, id, key, bucket, endpoint, prefix, members, ...rest } = JSON.parse(text);
    if (version !== VERSION || !Array.isArray(members) || members.length === 0) return undefined;
    return {
      id: textIn(id),
      key: textIn(key),
      bucket: textIn(bucket),
      endpoint: endpoint === null ? undefined : textIn(endpoint),
      prefix: prefix === '' ? '' : textIn(prefix),
      createdAtMs: numberIn(rest.createdAtMs),
      sizeBytes: numberIn(rest.sizeBytes),
      sha256Hex: digestIn(rest.sha256Hex),
      members: members.map((row) => memberIn(row, dev)),
    };
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function memberIn(row: readonly unknown[], dev: bigint): PacketMember {
  const [path64, ino, sizeBytes, mtimeNs, ctimeNs, modifiedAtMs, sha256Hex] = row;
  const path = new SpoolPath(Buffer.from(textIn(path64), 'base64'));
  componentsOf(path);
  if (!isUtf8(path.bytes)) throw new TypeError('a member has a name in UTF-8');
  return {
    path,
    identity: {
      dev,
      ino: BigInt(textIn(ino)),
      sizeBytes: numberIn(sizeBytes),
      mtimeNs: BigInt(textIn(mtimeNs)),
      ctimeNs: BigInt(textIn(ctimeNs)),
    },
    modifiedAtMs: numberIn(modifiedAtMs),
    name: path.bytes.toString('utf8'),
    sha256Hex: digestIn(sha256Hex),
  };
}

function textIn(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError('a text is missing');
}

function numberIn(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError('a number is missing');
}

function digestIn(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw new TypeError('a digest is missing');
}

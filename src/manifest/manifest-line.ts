// One line of the manifest: what was stored, as JSON. The format is published in
// config/OPERATING.md: fields may be added, and none may change its meaning.
import { isUtf8 } from 'node:buffer';
import type { StoredFile } from '../drain/drain-ports.ts';
import type { StoredMember } from '../drain/stored-member.ts';
import { compositeSha256 } from '../store/digest.ts';
import type { LocalContent } from '../store/object-store.ts';

/** What readers need from a line. */
export interface ManifestLine extends ManifestContent {
  /** ISO 8601, UTC. */
  readonly uploadedAt: string;
  readonly path: string;
  readonly bucket: string;
  readonly key: string;
  /** The file's name in the packet; missing if the object is the file itself. */
  readonly member?: string;
  /** The object, if it is a packet; all other lines tell of it in their own fields. */
  readonly packet?: ManifestContent;
  readonly etag?: string;
  readonly versionId?: string;
}

/** The content of a file, or of a packet. */
export interface ManifestContent {
  readonly bytes: number;
  /** Hex. Missing if only the digests of the parts are known. */
  readonly sha256?: string;
  /** Hex: the SHA-256 of the parts' SHA-256s, which S3 calls a composite checksum. */
  readonly sha256OfParts?: string;
  readonly parts?: number;
  readonly partBytes?: number;
}

/** How every line begins. Readers recognise a manifest by it. */
export const LINE_START = '{"v":1,"uploadedAt":"';

/** The line, with its line feed. `wallMs` is the time of the upload. */
export function renderLine(stored: StoredFile, wallMs: number): string {
  const { path, mtimeNs, bucket, upload, member, verifiedBy, durationMs } = stored;
  const { local, receipt, outcome } = upload;
  const line = {
    v: 1,
    uploadedAt: new Date(wallMs).toISOString(),
    path: path.bytes.toString('utf8'),
    ...(isUtf8(path.bytes) ? {} : { pathBase64: path.bytes.toString('base64') }),
    bucket,
    key: receipt.key,
    ...(member === undefined ? contentOf(local) : memberOf(member, local)),
    etag: receipt.etag,
    versionId: receipt.versionId,
    alreadyThere: outcome === 'already-there',
    verifiedBy,
    modifiedAt: isoTime(Number(mtimeNs / 1_000_000n)),
    durationMs: Math.round(durationMs),
  };
  return `${JSON.stringify(line)}\n`;
}

function contentOf(local: LocalContent) {
  const { sizeBytes: bytes, parts, multipart, whole, partSizeBytes } = local;
  const isOne = !multipart || parts.length === 1;
  const sha256 = (whole ?? (isOne ? parts[0] : undefined))?.sha256Hex;
  if (!multipart) return { bytes, sha256 };
  const sha256OfParts = compositeSha256(parts);
  return { bytes, sha256, sha256OfParts, parts: parts.length, partBytes: partSizeBytes };
}

function memberOf({ name, identity, sha256Hex }: StoredMember, packet: LocalContent) {
  return { bytes: identity.sizeBytes, sha256: sha256Hex, member: name, packet: contentOf(packet) };
}

/** What the object holds: the file, or the packet that it is in. */
export function objectOf(line: ManifestLine): ManifestContent {
  return line.packet ?? line;
}

/** Some file systems keep times that a Date cannot hold. */
function isoTime(wallMs: number): string | undefined {
  const at = new Date(wallMs);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** Undefined if `text` is no line of a manifest: it is torn, or damaged. */
export function parseLine(text: string): ManifestLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLine(line) ? line : undefined;
}

const CONTENT = { bytes: 'number' };
const NEEDED = { uploadedAt: 'string', path: 'string', bucket: 'string', key: 'string', ...CONTENT };
const KNOWN_CONTENT = { sha256: 'string', sha256OfParts: 'string', parts: 'number', partBytes: 'number' };
const KNOWN = { ...KNOWN_CONTENT, member: 'string', etag: 'string', versionId: 'string' };

function isLine(line: unknown): line is ManifestLine {
  if (!hasTypes(line, NEEDED, KNOWN)) return false;
  const packet: unknown = Reflect.get(line, 'packet');
  return packet === undefined || hasTypes(packet, CONTENT, KNOWN_CONTENT);
}

type Types = Readonly<Record<string, string>>;

/** True if each needed field has its type, and each known one has it or is missing. */
function hasTypes(value: unknown, needed: Types, known: Types): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const typeOf = (name: string) => typeof Reflect.get(value, name);
  return (
    Object.entries(needed).every(([name, type]) => typeOf(name) === type) &&
    Object.entries(known).every(([name, type]) => [type, 'undefined'].includes(typeOf(name)))
  );
}

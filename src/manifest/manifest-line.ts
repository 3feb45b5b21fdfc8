// One line of the manifest: what was stored, as JSON. The format is published in
// config/OPERATING.md: fields may be added, and none may change its meaning.
import { isUtf8 } from 'node:buffer';
import type { StoredFile } from '../drain/drain-ports.ts';
import { compositeSha256 } from '../store/digest.ts';
import type { LocalContent } from '../store/object-store.ts';

/** What readers need from a line. */
export interface ManifestLine {
  /** ISO 8601, UTC. */
  readonly uploadedAt: string;
  readonly path: string;
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
  /** Hex. Missing if only the digests of the parts are known. */
  readonly sha256?: string;
  /** Hex: the SHA-256 of the parts' SHA-256s, which S3 calls a composite checksum. */
  readonly sha256OfParts?: string;
  readonly parts?: number;
  readonly partBytes?: number;
  readonly etag?: string;
  readonly versionId?: string;
}

/** How every line begins. Readers recognise a manifest by it. */
export const LINE_START = '{"v":1,"uploadedAt":"';

/** The line, with its line feed. `wallMs` is the time of the upload. */
export function renderLine(stored: StoredFile, wallMs: number): string {
  const { path, mtimeNs, bucket, upload, verifiedBy, durationMs } = stored;
  const { local, receipt, outcome } = upload;
  const line = {
    v: 1,
    uploadedAt: new Date(wallMs).toISOString(),
    path: path.bytes.toString('utf8'),
    ...(isUtf8(path.bytes) ? {} : { pathBase64: path.bytes.toString('base64') }),
    bucket,
    key: receipt.key,
    bytes: local.sizeBytes,
    ...digestsOf(local),
    etag: receipt.etag,
    versionId: receipt.versionId,
    alreadyThere: outcome === 'already-there',
    verifiedBy,
    modifiedAt: isoTime(Number(mtimeNs / 1_000_000n)),
    durationMs: Math.round(durationMs),
  };
  return `${JSON.stringify(line)}\n`;
}

function digestsOf(local: LocalContent) {
  const { parts, multipart, whole, partSizeBytes } = local;
  const isOne = !multipart || parts.length === 1;
  const sha256 = (whole ?? (isOne ? parts[0] : undefined))?.sha256Hex;
  if (!multipart) return { sha256 };
  return { sha256, sha256OfParts: compositeSha256(parts), parts: parts.length, partBytes: partSizeBytes };
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

const NEEDED = { uploadedAt: 'string', path: 'string', bucket: 'string', key: 'string', bytes: 'number' };
const KNOWN = {
  ...{ sha256: 'string', sha256OfParts: 'string', parts: 'number', partBytes: 'number' },
  ...{ etag: 'string', versionId: 'string' },
};

function isLine(line: unknown): line is ManifestLine {
  if (typeof line !== 'object' || line === null) return false;
  const typeOf = (name: string) => typeof Reflect.get(line, name);
  return (
    Object.entries(NEEDED).every(([name, type]) => typeOf(name) === type) &&
    Object.entries(KNOWN).every(([name, type]) => [type, 'undefined'].includes(typeOf(name)))
  );
}

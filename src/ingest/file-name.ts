// Which path of a URL may become the name of a file in the spool. The path comes from the network,
// so everything is refused that is not certainly harmless there and on the way to S3.
import { isUtf8 } from 'node:buffer';
import { IgnoreRules } from '../backlog/ignore-rules.ts';
import { SpoolPath } from '../spool/entry.ts';
import { Refusal } from './refusal.ts';

/** NAME_MAX of Linux file systems, limits.h(0P). */
const SEGMENT_BYTES_MAX = 255;
/** A scan does not look deeper: `backlog/scanner`. */
const FOLDERS_MAX = 64;
const SLASH = 0x2f;
const DOT = 0x2e;

export interface NameRules {
  /** `spool.ignore`: a file of such a name would wait in the spool for ever. */
  readonly ignore: readonly string[];
  readonly maxPathBytes: number;
}

/** Turns paths of URLs into paths of the spool, or refuses them. Stateless. */
export class FileNames {
  readonly #ignore: IgnoreRules;
  readonly #maxPathBytes: number;

  constructor({ ignore, maxPathBytes }: NameRules) {
    this.#ignore = new IgnoreRules(ignore);
    this.#maxPathBytes = maxPathBytes;
  }

  /** `encoded` is the path of the URL below `/v1/files/`. Throws a Refusal. */
  accept(encoded: string): SpoolPath {
    const segments = encoded.split('/').map(decoded);
    for (const segment of segments) refuseBadSegment(segment);
    if (segments.length - 1 > FOLDERS_MAX) throw badName(`The path has more than ${FOLDERS_MAX} folders`);
    const path = Buffer.from(segments.map((segment) => segment.toString('latin1')).join('/'), 'latin1');
    if (path.byteLength > this.#maxPathBytes)
      throw badName(`The path has more than ${this.#maxPathBytes} bytes, too many for a key in S3`);
    this.#refuseIgnored(segments, path);
    return new SpoolPath(path);
  }

  /** Asks about each folder and the file, as a scan does. */
  #refuseIgnored(segments: readonly Buffer[], path: Buffer): void {
    let end = -1;
    for (const segment of segments) {
      end += 1 + segment.byteLength;
      if (this.#ignore.ignores(segment, path.subarray(0, end)))
        throw new Refusal(
          'ignored-name',
          `halfpipe never uploads what has the name ${segment.toString('utf8')}, because spool.ignore excludes it: use another name`,
        );
    }
  }
}

/** Percent-decoded once. A plus sign is a plus sign. */
function decoded(segment: string): Buffer {
  if (/%(?![0-9A-Fa-f]{2})/.test(segment))
    throw badName('A percent sign in the path is not followed by two hexadecimal digits: write it as %25');
  // A query is not part of the segment, and a fragment never leaves a client.
  if (/[^\x21-\x7e]|#/.test(segment)) throw badName('The path has characters that must be percent-encoded');
  const latin1 = segment.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

function refuseBadSegment(segment: Buffer): void {
  if (segment.byteLength === 0)
    throw badName('The path has an empty part: it must not begin or end with / or have //');
  if (segment[0] === DOT) throw badName('No part of the path may begin with a dot');
  if (segment.includes(SLASH)) throw badName('%2F cannot be part of a name: use / between folders');
  if (!isUtf8(segment))
    throw badName('The path is not UTF-8: encode the name as UTF-8, then percent-encode it');
  if (/\p{Cc}/u.test(segment.toString('utf8'))) throw badName('The path has control characters');
  if (segment.byteLength > SEGMENT_BYTES_MAX)
    throw badName(`A part of the path has more than ${SEGMENT_BYTES_MAX} bytes`);
}

function badName(detail: string): Refusal {
  return new Refusal('bad-name', detail);
}

// What a token may be named, and below which folder it may write. Each rule throws a RangeError
// whose message says what is accepted.

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,63}$/;
/** Leaves half of an S3 key, 1,024 bytes, to the names below the prefix. */
const PREFIX_BYTES_MAX = 512;
/** NAME_MAX of Linux. */
const SEGMENT_BYTES_MAX = 255;

/** Returns the name of a token. */
export function tokenName(value: unknown): string {
  if (typeof value === 'string' && NAME.test(value)) return value;
  throw new RangeError(
    'must be a name of at most 64 letters, digits and . _ @ : - that begins with a letter or a digit, such as camera-7',
  );
}

/** Returns a folder below the spool with the `/` at its end: `camera-7/`. */
export function tokenPrefix(value: unknown): string {
  const prefix = typeof value === 'string' ? value : '';
  if (isFolder(`${prefix}/`)) throw new RangeError(`must end in /: type ${prefix}/`);
  if (isFolder(prefix)) return prefix;
  throw new RangeError(
    'must be a folder below the spool with / at its end, such as camera-7/: no / in front, no folder that begins with a dot, no control characters, at most 512 bytes',
  );
}

function isFolder(prefix: string): boolean {
  if (!prefix.endsWith('/') || Buffer.byteLength(prefix) > PREFIX_BYTES_MAX) return false;
  if (!prefix.isWellFormed() || /\p{Cc}/u.test(prefix)) return false;
  const segments = prefix.slice(0, -1).split('/');
  return segments.every(
    (segment) =>
      segment !== '' && !segment.startsWith('.') && Buffer.byteLength(segment) <= SEGMENT_BYTES_MAX,
  );
}

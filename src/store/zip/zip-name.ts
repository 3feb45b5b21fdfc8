// Which names a member may have, so that every reader of zips finds the file under the same name.

/**
 * The field has 16 bits: 4.4.10 of
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
 */
const NAME_BYTES_MAX = 0xffff;

/**
 * True if a member may be called so. Some readers take a backslash for a slash, and refuse a drive
 * letter, an absolute path, or a path that leads upwards.
 */
export function isZipName(name: string): boolean {
  if (name === '' || name.includes('\\') || /^[A-Za-z]:/.test(name) || !name.isWellFormed()) return false;
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) return false;
  return !name.includes('\0') && Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

// The content type of an object, from the file's extension.
import { extname } from 'node:path/posix';
import { lookup } from 'mime-types';

/** By extension: a look-up takes 25 µs. */
const found = new Map<string, string>();
/** Names may end in anything. */
const FOUND_MAX = 1_000;

export function contentTypeOf(key: string): string {
  const extension = extname(key);
  const known = found.get(extension);
  if (known !== undefined) return known;
  const type = lookup(extension) || 'application/octet-stream';
  if (found.size < FOUND_MAX) found.set(extension, type);
  return type;
}

// The content type of an object, from the file's extension.
import { extname } from 'node:path/posix';
import { lookup } from 'mime-types';

export function contentTypeOf(key: string): string {
  return lookup(extname(key)) || 'application/octet-stream';
}

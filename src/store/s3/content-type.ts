// What the object says it is: by the file's extension, or plain bytes.
import { extname } from 'node:path/posix';
import { lookup } from 'mime-types';

export function contentTypeOf(key: string): string {
  return lookup(extname(key)) || 'application/octet-stream';
}

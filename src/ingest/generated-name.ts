// The name of a file that was sent without one.
import { randomBytes } from 'node:crypto';
import { extension } from 'mime-types';
import { mediaType } from './upload-headers.ts';

/** 48 bits: two files of the same millisecond have different names. */
const RANDOM_BYTES = 6;

/** `20261127T193000.123Z-4f1d20c3a9be.jpg`: names sort by time. `wallMs` since the epoch. */
export function generatedName(wallMs: number, contentType: string | undefined): string {
  const time = new Date(wallMs).toISOString().replace(/[-:]/g, '');
  const type = extension(mediaType(contentType)) || 'bin';
  return `${time}-${randomBytes(RANDOM_BYTES).toString('hex')}.${type}`;
}

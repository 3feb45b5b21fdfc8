// Makes an object's key from a file's name. Names are bytes; keys are UTF-8 text of at most 1,024
// bytes. Two different names that are valid UTF-8 never share a key.
import { isUtf8 } from 'node:buffer';
import { Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';

/**
 * In UTF-8: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html. The SDK does
 * not check it.
 */
export const KEY_BYTES_MAX = 1_024;

/**
 * Returns the prefix followed by the path. Bytes that are not UTF-8 become `%XX`, all others stay.
 * So the invalid byte FF and the literal name `%FF` share a key; the conflict policy then decides.
 * Throws Fault `file` when the key is too long.
 */
export function keyFor(pathBytes: Buffer, prefix: string): string {
  const key = prefix + (isUtf8(pathBytes) ? pathBytes.toString('utf8') : escapeInvalid(pathBytes));
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes > KEY_BYTES_MAX) {
    throw new Fault('file', `the key would have ${sizeBytes} bytes, S3 accepts at most ${KEY_BYTES_MAX}`, {
      operation: 'make a key',
      subject: printable(key),
      hint: 'Shorten the file or folder name, or s3.prefix.',
      code: 'KeyTooLongError',
      isLocal: true,
    });
  }
  return key;
}

/**
 * The key for content that is kept beside the object at `key`: `name.<first digits of its
 * SHA-256>.ext`. To stay within 1,024 bytes it cuts the name, never an extension of up to 16 bytes.
 */
export function suffixedKey(key: string, sha256Hex: string, digits = 8): string {
  const nameStart = key.lastIndexOf('/') + 1;
  const dot = key.lastIndexOf('.');
  // A leading dot makes a hidden name, not an extension. A long "extension" is part of the name.
  const hasExtension = dot > nameStart && Buffer.byteLength(key.slice(dot)) <= 16;
  const stem = hasExtension ? key.slice(0, dot) : key;
  const tail = `.${sha256Hex.slice(0, digits)}${hasExtension ? key.slice(dot) : ''}`;
  return cutToBytes(stem, KEY_BYTES_MAX - Buffer.byteLength(tail)) + tail;
}

/**
 * The longest beginning of `text` within `limit` bytes of UTF-8 that does not split a character.
 */
function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  let end = limit;
  // Continuation bytes are 10xxxxxx. The cut must not come before one.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function escapeInvalid(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) text += `%${bytes.toString('hex', at, at + 1).toUpperCase()}`;
    else text += bytes.toString('utf8', at, at + length);
    at += length || 1;
  }
  return text;
}

/** The number of bytes of the UTF-8 character at `at`; 0 if there is none. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4; length += 1) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}

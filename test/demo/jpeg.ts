// Dummy photographs: JPEG files whose headers any program reads and whose picture is noise.
// Deterministic: the same number and size give the same bytes, different numbers different ones.
import { createCipheriv } from 'node:crypto';

/** Noise of 4:3, the usual dimensions of a small camera. */
const WIDTH = 640;
const HEIGHT = 480;

/** A JPEG of exactly `sizeBytes` (at least 700). */
export function makeJpeg(number: number, sizeBytes: number): Buffer {
  const head = Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 2, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xfe, [...Buffer.from(`halfpipe dummy image ${number}`)]),
    segment(0xdb, [0, ...new Array<number>(64).fill(16)]),
    segment(0xc0, [8, HEIGHT >> 8, HEIGHT & 0xff, WIDTH >> 8, WIDTH & 0xff, 1, 1, 0x11, 0]),
    segment(0xc4, [0x00, ...FOUR_BIT_CODES, ...range(12)]),
    segment(0xc4, [0x10, ...EIGHT_BIT_CODES, ...range(162)]),
    segment(0xda, [1, 1, 0x00, 0, 63, 0]),
  ]);
  const tail = Buffer.from([0xff, 0xd9]);
  return Buffer.concat([head, noise(number, sizeBytes - head.length - tail.length), tail]);
}

/**
 * The size of image `number`, in bytes: 100 kB ± 50 %, evenly spread and in no order. Steps of the golden ratio
 * leave no clusters, so the mean of any run of images stays near 100 kB.
 */
export function jpegSizeBytes(number: number): number {
  return 50_000 + Math.floor(100_000 * ((number * 0.6180339887498949) % 1));
}

/** How many Huffman codes there are of each length from 1 to 16 (ITU-T T.81, B.2.4.2): 12 codes of 4 bits. */
const FOUR_BIT_CODES = [0, 0, 0, 12, ...new Array<number>(12).fill(0)];
/** 162 codes of 8 bits. */
const EIGHT_BIT_CODES = [0, 0, 0, 0, 0, 0, 0, 162, ...new Array<number>(8).fill(0)];

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** A marker segment; its length counts the two bytes that hold it. */
function segment(marker: number, payload: readonly number[]): Buffer {
  const length = payload.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 0xff, ...payload]);
}

/** Entropy-coded data of exactly `length` bytes, in which every 0xff is followed by the stuffed 0x00. */
function noise(number: number, length: number): Buffer {
  const seed = Buffer.alloc(16);
  seed.writeUInt32BE(number);
  const bytes = createCipheriv('aes-128-ctr', Buffer.alloc(16), seed).update(Buffer.alloc(length));
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    if (at + 1 < length) bytes[at + 1] = 0;
    else bytes[at] = 0;
  }
  return bytes;
}

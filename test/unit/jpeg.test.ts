import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jpegSizeBytes, makeJpeg } from '../demo/jpeg.ts';

/** Walks the marker segments as a decoder does: the markers in order, and where the entropy-coded data begins. */
function walk(jpeg: Buffer): { markers: number[]; payloads: Map<number, Buffer>; scanAt: number } {
  const markers = [jpeg.readUInt16BE(0)];
  const payloads = new Map<number, Buffer>();
  let at = 2;
  for (;;) {
    const marker = jpeg.readUInt16BE(at);
    const length = jpeg.readUInt16BE(at + 2);
    markers.push(marker);
    payloads.set(marker, jpeg.subarray(at + 4, at + 2 + length));
    at += 2 + length;
    if (marker === 0xffda) return { markers, payloads, scanAt: at };
  }
}

describe('makeJpeg', () => {
  for (const sizeBytes of [700, 701, 50_000, 149_999]) {
    it(`makes a whole JPEG of exactly ${sizeBytes} bytes`, () => {
      const jpeg = makeJpeg(7, sizeBytes);
      assert.equal(jpeg.length, sizeBytes);
      const { markers, payloads, scanAt } = walk(jpeg);
      assert.deepEqual(markers, [0xffd8, 0xffe0, 0xfffe, 0xffdb, 0xffc0, 0xffc4, 0xffc4, 0xffda]);
      assert.equal(payloads.get(0xffe0)?.toString('latin1', 0, 5), 'JFIF\0');
      const frame = payloads.get(0xffc0);
      assert.deepEqual([frame?.readUInt16BE(3), frame?.readUInt16BE(1)], [640, 480]);
      assert.equal(jpeg.readUInt16BE(sizeBytes - 2), 0xffd9);
      const scan = jpeg.subarray(scanAt, sizeBytes - 2);
      assert.ok(scan.length > 100 || sizeBytes < 1000);
      for (let at = scan.indexOf(0xff); at !== -1; at = scan.indexOf(0xff, at + 1)) {
        assert.equal(scan[at + 1], 0, `a marker inside the picture at ${at}`);
      }
    });
  }

  it('never puts a marker into the picture, at any of its ends', () => {
    for (let number = 0; number < 2_000; number += 1) {
      const jpeg = makeJpeg(number, 750);
      const scan = jpeg.subarray(walk(jpeg).scanAt, -2);
      assert.ok(!/\xff[^\0]|\xff$/.test(scan.toString('latin1')), `image ${number}`);
    }
  });

  it('gives the same bytes for the same number and others for every other', () => {
    assert.deepEqual(makeJpeg(1, 60_000), makeJpeg(1, 60_000));
    const bodies = [1, 2, 3, 256, 65_536].map((number) => makeJpeg(number, 60_000).toString('base64', 1_000));
    assert.equal(new Set(bodies).size, bodies.length);
  });
});

describe('jpegSizeBytes', () => {
  it('spreads sizes over 100 kB ± 50 % with a mean of 100 kB, in any stretch of images', () => {
    for (const [from, count, tolerance] of [
      [1, 5000, 100],
      [1, 200, 1_500],
      [777, 1000, 500],
    ] as const) {
      const sizes = Array.from({ length: count }, (_, index) => jpegSizeBytes(from + index));
      const mean = sizes.reduce((sum, size) => sum + size, 0) / count;
      assert.ok(Math.abs(mean - 100_000) < tolerance, `mean ${mean} of ${count} from ${from}`);
      assert.ok(Math.min(...sizes) >= 50_000 && Math.min(...sizes) < 52_000);
      assert.ok(Math.max(...sizes) <= 150_000 && Math.max(...sizes) > 148_000);
    }
  });
});

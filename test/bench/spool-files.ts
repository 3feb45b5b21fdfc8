// The files that a run uploads: random content, on disk before the run begins and synced, so that making them
// disturbs nothing.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 4 * 1024 * 1024;

/** Random bytes do not shrink, as those of a JPEG; `text` is lines that shrink to about a third. */
export type ContentKind = 'random' | 'text';

export function fillSpool(
  folder: string,
  sizeBytes: number,
  count: number,
  kind: ContentKind = 'random',
): void {
  mkdirSync(folder, { recursive: true });
  const block = kind === 'random' ? randomBytes(BLOCK_BYTES) : textBlock();
  for (let n = 0; n < count; n++) {
    // its own first bytes make each file's content its own
    const file = openSync(
      join(folder, `f${`${n}`.padStart(6, '0')}.${kind === 'random' ? 'bin' : 'log'}`),
      'w',
    );
    const head = randomBytes(Math.min(16, sizeBytes));
    for (let atBytes = writeSync(file, head); atBytes < sizeBytes; ) {
      atBytes += writeSync(file, block, 0, Math.min(BLOCK_BYTES, sizeBytes - atBytes));
    }
    closeSync(file);
  }
  spawnSync('sync', ['--file-system', folder]);
}

function textBlock(): Buffer {
  const lines: string[] = [];
  for (let bytes = 0, n = 0; bytes < BLOCK_BYTES; n += 1) {
    const line = `{"time":${1_790_000_000_000 + 250 * n},"sensor":"camera-${n % 17}","value":${Math.random()},"state":"ok"}\n`;
    bytes += line.length;
    lines.push(line);
  }
  return Buffer.from(lines.join('')).subarray(0, BLOCK_BYTES);
}

/** One more file, complete the moment it appears. `aside` is on the same file system. */
export function dropFile(folder: string, aside: string, sizeBytes: number): void {
  const whole = join(aside, 'dropped.bin');
  writeFileSync(whole, randomBytes(sizeBytes));
  spawnSync('sync', [whole]);
  renameSync(whole, join(folder, 'dropped.bin'));
}

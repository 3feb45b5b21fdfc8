// The disk that a bench writes to: a folder that is named, or an ext4 on a loop device in memory,
// which no other process of the machine makes slow, and whose syncs cost CPU time alone.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runTag } from './run-tag.ts';

export interface BenchDisk {
  readonly folder: string;
  /** The device, the file system and its options. */
  readonly description: string;
  remove(): void;
}

/** Sparse: it takes the memory that is written. */
const LOOP_SIZE = '8G';

/** `where` is a folder, or `loop`, which needs root. Call remove() in any case. */
export function benchDisk(where: string): BenchDisk {
  if (where === 'loop') return loopDisk();
  const folder = resolve(where);
  mkdirSync(folder, { recursive: true });
  return { folder, description: mountOf(folder), remove: () => undefined };
}

function loopDisk(): BenchDisk {
  const base = mkdtempSync(`/dev/shm/${runTag()}-`);
  const [image, folder] = [join(base, 'image'), join(base, 'mounted')];
  mkdirSync(folder);
  execFileSync('truncate', ['-s', LOOP_SIZE, image]);
  execFileSync('mkfs.ext4', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, folder]);
  const remove = () => {
    execFileSync('umount', ['--lazy', folder]);
    rmSync(base, { recursive: true, force: true });
  };
  return { folder, description: `${mountOf(folder)}, in memory`, remove };
}

function mountOf(folder: string): string {
  const args = ['-nro', 'SOURCE,FSTYPE,OPTIONS', '--target', folder];
  return execFileSync('findmnt', args, { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
}

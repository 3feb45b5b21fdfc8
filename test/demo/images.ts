// The dummy images: made once below `pool`, copied from there into the spool at each start.
// A file appears in the spool as a good producer makes it: under a temporary name first, with the image's own time, then
// renamed.
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../src/system/fault.ts';
import { jpegSizeBytes, makeJpeg } from './jpeg.ts';

/** All names of images begin so, and no other demo file's. */
export const IMAGE_PREFIX = 'halfpipe-image-';

export function imageName(number: number): string {
  return `${IMAGE_PREFIX}${String(number).padStart(6, '0')}.jpg`;
}

export function imageNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => imageName(index + 1));
}

/** Makes the images from 1 to `count` that `pool` lacks. Rejects with the signal's reason. */
export async function makeImages(pool: string, count: number, signal: AbortSignal): Promise<void> {
  await mkdir(pool, { recursive: true });
  for (let number = 1; number <= count; number += 1) {
    signal.throwIfAborted();
    const path = join(pool, imageName(number));
    const sizeBytes = jpegSizeBytes(number);
    if ((await sizeOf(path)) !== sizeBytes) {
      await writeFile(`${path}.part`, makeJpeg(number, sizeBytes));
      await rename(`${path}.part`, path);
    }
  }
}

/** Copies images into the spool; one that an interrupted run left there stays. Not hard links: those share their ctime. */
export async function fillSpool(
  pool: string,
  spool: string,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(spool, { recursive: true });
  for (let number = 1; number <= count; number += 1) {
    signal.throwIfAborted();
    const target = join(spool, imageName(number));
    if (existsSync(target)) continue;
    const image = join(pool, imageName(number));
    const temporary = join(spool, `.${imageName(number)}.part`);
    await copyFile(image, temporary, constants.COPYFILE_FICLONE);
    const { atime, mtime } = await stat(image);
    await utimes(temporary, atime, mtime);
    await rename(temporary, target);
  }
}

/** MD5 of each image's bytes, in hex, by its name. */
export async function imageDigests(pool: string, count: number): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (let number = 1; number <= count; number += 1) {
    const bytes = await readFile(join(pool, imageName(number)));
    digests.set(imageName(number), createHash('md5').update(bytes).digest('hex'));
  }
  return digests;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

// The earlier files of a manifest: made by a rename of the one that was written, and deleted when
// they are old, or when all together are too large.
import { readdir, rename } from 'node:fs/promises';
import type { OpenDirectory } from '../spool/open-directory.ts';
import { endedName, endOf } from './manifest-names.ts';

export interface KeepLimits {
  /** A file that ended longer ago is deleted. */
  readonly keepMs: number;
  /** Beyond this, over all files, the oldest are deleted. */
  readonly maxTotalBytes: number;
}

interface EndedFile {
  readonly name: string;
  readonly endedAtMs: number;
}

/** The earlier files in the folder at `folderPath`, oldest first. */
export async function endedFiles(folderPath: Buffer | string, name: string): Promise<EndedFile[]> {
  const found = (await readdir(folderPath)).flatMap((candidate) => {
    const endedAtMs = endOf(name, candidate);
    return endedAtMs === undefined ? [] : [{ name: candidate, endedAtMs }];
  });
  return found.sort((a, b) => a.endedAtMs - b.endedAtMs);
}

/**
 * Renames the file `name`, durably. The new name is later than `lastAtMs` and all others, also
 * after the wall clock was set back, so that the names stay in the order of the lines.
 */
export async function endFile(
  folder: OpenDirectory,
  name: string,
  lastAtMs: number,
  wallMs: number,
): Promise<void> {
  const latest = (await endedFiles(folder.at('.'), name)).at(-1)?.endedAtMs ?? 0;
  const ended = endedName(name, Math.max(wallMs, lastAtMs, latest + 1));
  await rename(folder.at(name), folder.at(ended));
  await folder.sync();
}

/**
 * Deletes earlier files beyond the limits. `currentBytes` is the size of the file that is written.
 */
export async function deleteOld(
  folder: OpenDirectory,
  name: string,
  { keepMs, maxTotalBytes }: KeepLimits,
  { currentBytes, wallMs }: { readonly currentBytes: number; readonly wallMs: number },
): Promise<void> {
  let totalBytes = currentBytes;
  for (const ended of (await endedFiles(folder.at('.'), name)).reverse()) {
    const stats = await folder.lookUp(ended.name);
    if (stats === undefined || !stats.isFile()) continue;
    totalBytes += Number(stats.size);
    if (wallMs - ended.endedAtMs > keepMs || totalBytes > maxTotalBytes) await folder.unlink(ended.name);
  }
}

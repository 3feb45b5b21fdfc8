// Reads a manifest for `halfpipe verify`: the last line of each key, in bounded memory, however
// many lines there are. Works beside a running daemon.
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../system/fault.ts';
import { endedFiles } from './ended-files.ts';
import { type ManifestLine, parseLine } from './manifest-line.ts';
import { nameOfManifest } from './manifest-names.ts';

/** How many bytes of lines are kept in memory at once: about 45,000 lines. */
const GROUP_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

export interface ManifestCounts {
  files: number;
  lines: number;
  /** Lines that a power cut or a program has damaged. */
  unreadable: number;
}

/**
 * Yields the last line of each object whose last line is not older than `sinceMs`, in groups of the
 * objects that are told apart by a part of their keys. For each group, the files are read once.
 * Counts are complete at the end. Rejects with the system error, ENOENT if there is no manifest.
 */
export async function* lastLines(
  path: string,
  sinceMs: number,
  counts: ManifestCounts,
  groupBytes = GROUP_BYTES,
): AsyncGenerator<readonly ManifestLine[]> {
  const files = await filesSince(path, sinceMs);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const groups = Math.max(1, Math.ceil(totalBytes / groupBytes));
  for (let group = 0; group < groups; group += 1) {
    const last = new Map<string, ManifestLine>();
    for (const file of files)
      for await (const text of linesOf(file)) {
        // Each line is parsed once, in its own group.
        if (groupOf(text, groups) !== group) continue;
        const line = parseLine(text);
        if (line === undefined) counts.unreadable += 1;
        else {
          counts.lines += 1;
          last.set(`${line.bucket}/${line.key}`, line);
        }
      }
    counts.files = files.length;
    yield [...last.values()].filter(({ uploadedAt }) => Date.parse(uploadedAt) >= sinceMs);
  }
}

interface ReadFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** The files in the order of their lines. Sizes are fixed here: what comes later is not read. */
async function filesSince(path: string, sinceMs: number): Promise<readonly ReadFile[]> {
  const { folder, name } = nameOfManifest(path);
  const real = await realpath(folder);
  // The present file comes first: if it is renamed now, it is found again among the ended ones.
  const present = await sizeOf(join(real, name));
  const found: ReadFile[] = [];
  for (const ended of await endedFiles(real, name)) {
    if (ended.endedAtMs < sinceMs) continue;
    const at = join(real, ended.name);
    const size = await sizeOf(at);
    if (size !== undefined) found.push({ path: at, sizeBytes: size });
  }
  if (present !== undefined) found.push({ path: join(real, name), sizeBytes: present });
  else if (found.length === 0) await open(path).then((handle) => handle.close());
  return found;
}

/** Undefined if there is no such file any more. */
async function sizeOf(path: string): Promise<number | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** Yields the lines within the first `sizeBytes`, without their line feeds. */
async function* linesOf({ path, sizeBytes }: ReadFile): AsyncGenerator<string> {
  const handle = await openIfThere(path);
  if (handle === undefined) return;
  try {
    let rest = Buffer.alloc(0);
    for (let from = 0; from < sizeBytes; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - from));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, from);
      if (bytesRead === 0) return;
      from += bytesRead;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let start = 0;
      for (let feed = bytes.indexOf(0x0a); feed !== -1; feed = bytes.indexOf(0x0a, start)) {
        yield bytes.toString('utf8', start, feed);
        start = feed + 1;
      }
      rest = bytes.subarray(start);
    }
  } finally {
    await handle.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * A number that is the same for all lines of an object: FNV-1a of the part of the line that names
 * it. In that form, the names of the fields cannot be within a value.
 */
function groupOf(line: string, groups: number): number {
  const from = line.indexOf('"bucket":');
  const to = line.indexOf(',"bytes":', from);
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % groups;
}

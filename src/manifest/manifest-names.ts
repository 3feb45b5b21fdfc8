// The names of a manifest's files: `manifest.jsonl` is written, and beside it are earlier ones,
// such as `manifest-20261127T153012.345Z.jsonl`, named by the time at which they ended. Sorted by
// name, they are in the order of time.
import { posix } from 'node:path';

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3}Z)$/;

/** `manifest.path`, taken apart. */
export interface ManifestName {
  readonly folder: string;
  readonly name: string;
}

export function nameOfManifest(path: string): ManifestName {
  return { folder: posix.dirname(path), name: posix.basename(path) };
}

/** The name that a file gets when it has ended at `wallMs`. */
export function endedName(name: string, wallMs: number): string {
  const { stem, extension } = cut(name);
  return `${stem}-${new Date(wallMs).toISOString().replaceAll(/(?<!\..*)[-:]/g, '')}${extension}`;
}

/** When the file of this name ended. Undefined if it is no file of the manifest `name`. */
export function endOf(name: string, candidate: string): number | undefined {
  const { stem, extension } = cut(name);
  if (!candidate.startsWith(`${stem}-`) || !candidate.endsWith(extension)) return undefined;
  const time = TIME.exec(candidate.slice(stem.length + 1, candidate.length - extension.length));
  if (time === null) return undefined;
  const [, year, month, day, hour, minute, second] = time;
  const wallMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
  return Number.isNaN(wallMs) ? undefined : wallMs;
}

function cut(name: string): { stem: string; extension: string } {
  const extension = posix.extname(name);
  return { stem: name.slice(0, name.length - extension.length), extension };
}

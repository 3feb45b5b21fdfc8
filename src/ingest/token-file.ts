// Reads the tokens file. A file that cannot be understood lets in no request.
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { readFault } from './token-fault.ts';
import { parseTokens, type StoredToken } from './token-list.ts';

export interface TokenFile {
  readonly tokens: readonly StoredToken[];
  /** Changes with every change of the file: see versionOf(). */
  readonly version: string;
  /** Permission bits: 0o640. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** 1,000 tokens with the longest names and prefixes. */
const SIZE_BYTES_MAX = 1_048_576;
/** A FIFO must not stop the thread. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Blocks. Throws a Fault that names the file and the reason. */
export function readTokenFile(path: string): TokenFile {
  return withFile(path, () => {
    const fd = openSync(path, FLAGS);
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw new RangeError('it is not a regular file');
      if (stats.size > SIZE_BYTES_MAX) throw new RangeError('it is larger than 1 MiB');
      return {
        tokens: parseTokens(readFileSync(fd, 'utf8')),
        version: versionIn(stats),
        mode: Number(stats.mode & 0o7777n),
        uid: Number(stats.uid),
        gid: Number(stats.gid),
      };
    } finally {
      closeSync(fd);
    }
  });
}

/**
 * Blocks for some microseconds. Returns the version of the file that is there now. Throws a Fault.
 */
export function versionOf(path: string): string {
  return withFile(path, () => versionIn(statSync(path, { bigint: true })));
}

interface Version {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

function versionIn({ dev, ino, size, mtimeNs, ctimeNs }: Version): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

function withFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw readFault(path, error);
  }
}

// The kinds of things that lie in a spool and are never drained, and their words: what the thing
// is, and what to do.
import type { SpoolPath } from '../spool/entry.ts';

export type OddityKind =
  | 'symbolic link'
  | 'FIFO'
  | 'socket'
  | 'device'
  /**
   * Something mounted inside the spool, or a subvolume. Nothing can be moved out of it in one step.
   */
  | 'mount'
  | 'closed folder'
  | 'broken folder'
  | 'broken entry'
  /** A system call has not returned. */
  | 'silent folder'
  | 'too deep';

export interface Oddity {
  readonly kind: OddityKind;
  /** The errno, if the system answered with an error. */
  readonly code?: string;
}

/** The odd things of one kind, as of the last scan. */
export interface SkippedCount {
  readonly kind: OddityKind;
  /** The kind in words, for example `folders that cannot be read or entered (EACCES)`. */
  readonly what: string;
  readonly remedy: string;
  readonly count: number;
  readonly example: SpoolPath;
  /** True if files may be waiting behind it, and it is not only the wrong kind of thing. */
  readonly hidesFiles: boolean;
}

/** One odd thing. */
export interface SkippedPath {
  readonly path: SpoolPath;
  readonly what: string;
  readonly remedy: string;
}

interface Words {
  /** The words for one path, completing "skipped PATH, …". */
  readonly one: string;
  readonly many: string;
  readonly remedy: string;
}

const NOT_A_FILE = 'put the file itself there: only regular files are uploaded';

const WORDS: Readonly<Record<OddityKind, Words>> = {
  'symbolic link': { one: 'a symbolic link', many: 'symbolic links', remedy: NOT_A_FILE },
  FIFO: { one: 'a FIFO', many: 'FIFOs', remedy: NOT_A_FILE },
  socket: { one: 'a socket', many: 'sockets', remedy: NOT_A_FILE },
  device: { one: 'a device', many: 'devices', remedy: NOT_A_FILE },
  mount: {
    one: 'another file system inside the spool',
    many: 'other file systems inside the spool',
    remedy: 'copy its files into the spool, or run another halfpipe with a spool there',
  },
  'closed folder': {
    one: 'a folder that cannot be read or entered',
    many: 'folders that cannot be read or entered',
    remedy:
      'give the service user read, write and execute permission on it: chmod g+rwx, and umask 0007 for the program that makes these folders',
  },
  'broken folder': {
    one: 'a folder that cannot be read to its end',
    many: 'folders that cannot be read to their end',
    remedy: 'see the kernel log (journalctl -k) for the disk or the server',
  },
  'broken entry': {
    one: 'an entry that cannot be looked at',
    many: 'entries that cannot be looked at',
    remedy: 'see the kernel log (journalctl -k) for the disk or the server',
  },
  'silent folder': {
    one: 'a folder that does not answer',
    many: 'folders that do not answer',
    remedy:
      'see the kernel log (journalctl -k) for the disk or the server; the folder is read when it answers again',
  },
  'too deep': {
    one: 'a folder nested too deeply',
    many: 'folders nested too deeply',
    remedy: 'move its files up: folders are followed 64 levels deep',
  },
};

/** Remedies for errors that say more than the kind does. */
const REMEDY_BY_ERRNO: Readonly<Record<string, string>> = {
  EMFILE: 'raise LimitNOFILE of the service; the next scan tries again',
  ENFILE: 'raise fs.file-max of the system; the next scan tries again',
  EACCES: WORDS['closed folder'].remedy,
  EPERM: WORDS['closed folder'].remedy,
};

/** Describes a folder that failed with `code`. */
export function folderOddity(code: string): Oddity {
  return { kind: code === 'EACCES' || code === 'EPERM' ? 'closed folder' : 'broken folder', code };
}

/** True if there may be files that would be uploaded, were it not for this. */
export function hidesFiles({ kind }: Oddity): boolean {
  return WORDS[kind].remedy !== NOT_A_FILE;
}

/** What the operator can do about it, in one line. */
export function remedyOf({ kind, code }: Oddity): string {
  return (code === undefined ? undefined : REMEDY_BY_ERRNO[code]) ?? WORDS[kind].remedy;
}

/** Returns `a folder that cannot be read or entered (EACCES)`, or the plural. */
export function describeOddity({ kind, code }: Oddity, count: number): string {
  const words = count === 1 ? WORDS[kind].one : WORDS[kind].many;
  return code === undefined ? words : `${words} (${code})`;
}

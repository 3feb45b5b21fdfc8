// What lies in a spool and is never drained: the kinds, and the words for them. Each names what it
// is and what to do.
import type { SpoolPath } from '../spool/entry.ts';

export type OddityKind =
  | 'symbolic link'
  | 'FIFO'
  | 'socket'
  | 'device'
  /** Mounted inside the spool, or a subvolume: nothing can be moved out of it in one step. */
  | 'mount'
  | 'closed folder'
  | 'broken folder'
  | 'broken entry'
  /** A call of the kernel has not returned. */
  | 'silent folder'
  | 'too deep';

export interface Oddity {
  readonly kind: OddityKind;
  /** What the system answered, where it is an error. */
  readonly code?: string;
}

/** Odd things of one kind, as of the last scan. */
export interface SkippedCount {
  /** The kind in words, such as `folders that cannot be read or entered (EACCES)`. */
  readonly what: string;
  readonly remedy: string;
  readonly count: number;
  readonly example: SpoolPath;
}

interface Words {
  /** The text for one path: completes "skipped PATH, …". */
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
    one: 'a file system of its own inside the spool',
    many: 'file systems of their own inside the spool',
    remedy: 'move its files into the spool by copying them, or give it a halfpipe with a spool of its own',
  },
  'closed folder': {
    one: 'a folder that cannot be read or entered',
    many: 'folders that cannot be read or entered',
    remedy:
      'give the service user read, write and execute permission on it: chmod g+rwx, and umask 0007 for what makes such folders',
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
    remedy: 'see the kernel log (journalctl -k) for the disk or the server; it is read when it answers again',
  },
  'too deep': {
    one: 'a folder nested too deeply',
    many: 'folders nested too deeply',
    remedy: 'move its files up: folders are followed 64 levels deep',
  },
};

/** Where the errno tells more than the kind. */
const REMEDY_BY_ERRNO: Readonly<Record<string, string>> = {
  EMFILE: 'raise LimitNOFILE of the service; it is tried again with the next scan',
  ENFILE: 'raise fs.file-max of the system; it is tried again with the next scan',
  EACCES: WORDS['closed folder'].remedy,
  EPERM: WORDS['closed folder'].remedy,
};

/** The folder that failed with `code`, for good or for now. */
export function folderOddity(code: string): Oddity {
  return { kind: code === 'EACCES' || code === 'EPERM' ? 'closed folder' : 'broken folder', code };
}

export function remedyOf({ kind, code }: Oddity): string {
  return (code === undefined ? undefined : REMEDY_BY_ERRNO[code]) ?? WORDS[kind].remedy;
}

/** `a folder that cannot be read or entered (EACCES)`, or the same of several. */
export function describeOddity({ kind, code }: Oddity, count: number): string {
  const words = count === 1 ? WORDS[kind].one : WORDS[kind].many;
  return code === undefined ? words : `${words} (${code})`;
}

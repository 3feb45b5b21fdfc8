// Turns a system error about the spool into a Fault whose class decides what happens next. No errno
// leads to a deletion: the worst result is quarantine.
import { errnoOf, Fault, type FaultClass } from '../system/fault.ts';
import { printable } from '../system/printable.ts';

const CLASS_BY_ERRNO: Readonly<Record<string, FaultClass>> = {
  // Gone or replaced since the scan, or a parent was replaced by a link. The next scan finds out.
  ENOENT: 'changed',
  ENOTDIR: 'changed',
  EISDIR: 'changed',
  ELOOP: 'changed',
  ESTALE: 'changed',
  // open(2) of a socket, or of a FIFO without a reader.
  ENXIO: 'changed',
  EACCES: 'blocked',
  EPERM: 'blocked',
  EXDEV: 'blocked',
  // The file is encrypted and its key is not loaded (fscrypt).
  ENOKEY: 'blocked',
  EMFILE: 'transient',
  ENFILE: 'transient',
  ENOMEM: 'transient',
  ENOSPC: 'transient',
  EDQUOT: 'transient',
  // open(2) with O_NONBLOCK of a file under a lease. The kernel asks the holder to give the lease
  // up.
  EAGAIN: 'transient',
  EBUSY: 'transient',
  ETXTBSY: 'transient',
  EINTR: 'transient',
  // The server of a network file system does not answer.
  ETIMEDOUT: 'transient',
  EHOSTDOWN: 'transient',
  EHOSTUNREACH: 'transient',
  ENETUNREACH: 'transient',
  ECONNREFUSED: 'transient',
  ECONNRESET: 'transient',
  ENOTCONN: 'transient',
  ESHUTDOWN: 'transient',
  EROFS: 'breaker',
  ENAMETOOLONG: 'file',
};

const HINT_BY_ERRNO: Readonly<Record<string, string>> = {
  EACCES:
    'let the service user read the file and write to its folder: chmod g+r, for the folder g+rwx, and umask 0007 for the program that makes them',
  EPERM:
    'only the owner may do this here (sticky folder or immutable file): let the service user own the folder',
  EXDEV: 'another file system is mounted there: the spool must lie on one file system',
  EROFS: 'the file system is mounted read-only: remount it read-write',
  EMFILE: 'raise LimitNOFILE of the service',
  ENOSPC: 'the disk is full, or has no inodes left',
  EDQUOT: 'the disk quota is used up',
  ENOMEM: 'the machine or the service has too little memory: see MemoryMax= of the unit',
  EIO: 'the disk cannot read the file: see dmesg and smartctl, then restore the file from another copy',
  EUCLEAN: 'the file system is damaged: check it with fsck, unmounted',
  EBADMSG: 'the content is damaged on the disk: see dmesg, then restore the file from another copy',
  ENOKEY: 'the file is encrypted and its key is not loaded: unlock the folder (fscrypt unlock)',
  EAGAIN:
    'another program, such as an NFS or SMB server, holds a lease on the file; the kernel asks it to give it up',
  ETIMEDOUT: 'the file server does not answer: check the mount and the network',
  EHOSTDOWN: 'the file server does not answer: check the mount and the network',
};

/** A Fault for `error`. An error that is a Fault already is returned unchanged. */
export function spoolFault(error: unknown, operation: string, subject: string): Fault {
  if (error instanceof Fault) return error;
  const code = errnoOf(error);
  const hint = code === undefined ? undefined : HINT_BY_ERRNO[code];
  const reason = code ?? (error instanceof Error ? error.message : String(error));
  return new Fault(
    (code === undefined ? undefined : CLASS_BY_ERRNO[code]) ?? 'unknown',
    `cannot ${operation} ${subject}: ${reason}${hint === undefined ? '' : ` (${hint})`}`,
    {
      operation,
      subject,
      cause: error,
      isLocal: true,
      ...(code === undefined ? {} : { code }),
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

/**
 * Like spoolFault(), for our own files in `.halfpipe`: a file missing there is not a change of the
 * spooled file `subject`.
 */
export function privateFault(error: unknown, operation: string, subject: string): Fault {
  const fault = spoolFault(error, operation, subject);
  if (fault.faultClass !== 'changed' || fault === error) return fault;
  const hint =
    'something was removed from the folder .halfpipe of the spool: restart halfpipe, which creates it again';
  const { code } = fault;
  return new Fault('blocked', `${fault.message} (${hint})`, {
    ...{ operation, subject, hint, cause: error, isLocal: true },
    ...(code === undefined ? {} : { code }),
  });
}

/** Code of a Fault `changed` that means: the file is still open for writing. */
export const STILL_WRITTEN = 'still-written';

/** The file is open for writing, so it is not complete yet. */
export function stillWrittenFault(operation: string, subject: string): Fault {
  const message = `${subject} is still open for writing`;
  return new Fault('changed', message, { operation, subject, code: STILL_WRITTEN });
}

/**
 * Another process, an NFS or SMB server for example, has a lease on the file. The kernel asks it to
 * give the lease up.
 */
export function leasedFault(subject: string, cause: unknown): Fault {
  const message = `another process has a lease on ${subject}`;
  return new Fault('transient', message, { operation: 'open', subject, code: STILL_WRITTEN, cause });
}

/** The file is no longer the one that was looked at. */
export function changedFault(operation: string, subject: string, what: string): Fault {
  return new Fault('changed', `${subject} ${what}`, { operation, subject, code: 'changed', isLocal: true });
}

/**
 * Code of a Fault `changed` that says nothing about the content: only links or permissions change,
 * again and again.
 */
export const TOUCHED = 'touched';

/** Links or permissions of the file change again and again; its content is the same. */
export function touchedFault(operation: string, subject: string): Fault {
  const what = 'has its links or permissions changed again and again; its content is the same';
  return new Fault('changed', `${subject} ${what}`, { operation, subject, code: TOUCHED });
}

/** The whole spool is to blame, not a single file. */
export function readOnlyFault(path: string, { operation, cause }: Fault): Fault {
  const message = `the spool ${path} is mounted read-only: nothing can be removed from it`;
  const hint = 'remount it read-write; the kernel log says why it is read-only';
  const details = { operation, subject: path, code: 'EROFS', hint, cause, isLocal: true };
  return new Fault('breaker', message, details);
}

/** Code of the Fault that means: the spool is gone, not empty. */
export const SPOOL_GONE = 'spool-gone';

/** The spool is no longer at its path. `what` completes "the spool is gone:". */
export function goneFault(path: string, what: string, cause?: unknown): Fault {
  return new Fault('breaker', `the spool ${path} is gone: ${what}`, {
    operation: 'scan',
    subject: path,
    code: SPOOL_GONE,
    hint: 'mount or re-create it; draining then continues by itself',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Code of the Fault that means: the path leads through something that is not a folder. */
export const NOT_A_FOLDER = 'not-a-folder';

/** `component` of the path is a file, a symbolic link or the private folder. */
export function notAFolderFault(subject: string, component: string, cause?: unknown): Fault {
  return new Fault('file', `${printable(component)} in ${subject} is not a folder of the spool`, {
    ...{ operation: 'deposit', subject, code: NOT_A_FOLDER, isLocal: true },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The private name of a received file has gone, and the content with it. */
export function withoutContentFault(subject: string): Fault {
  const message = `cannot deposit ${subject}: its content was removed from the folder .halfpipe of the spool`;
  return new Fault('transient', message, { operation: 'deposit', subject, code: 'ENOENT', isLocal: true });
}

/** A bug in halfpipe. The file stays. */
export function unprovenFault(operation: string, subject: string): Fault {
  const hint = 'this is a bug in halfpipe: please report it';
  return new Fault('unknown', `the proof is for another file than ${subject}`, { operation, subject, hint });
}

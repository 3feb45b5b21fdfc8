// Faults of the manifest. Each pauses the drain, because without its line no file may be removed.
import { UNRECORDED } from '../drain/drain-faults.ts';
import { errnoOf, Fault } from '../system/fault.ts';

const HINT_BY_ERRNO: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on that disk, or set manifest.keep or manifest.maxTotal lower',
  EDQUOT: 'raise the disk quota of the service user, or set manifest.keep or manifest.maxTotal lower',
  EROFS:
    'mount it read-write; under systemd, also name the folder in ReadWritePaths= (systemctl edit halfpipe), or let manifest.path be below /var/lib/halfpipe',
  EACCES: 'let the service user own the folder of manifest.path and the files in it',
  EPERM: 'let the service user own the folder of manifest.path and the files in it',
  ENOENT: 'make the folder above that of manifest.path, or mount its disk',
  ENOTDIR: 'manifest.path must be a file in a folder',
  ELOOP: 'manifest.path must not be a symbolic link: name the file itself',
  EISDIR: 'manifest.path must name a file, not a folder',
  EIO: 'the disk of the manifest fails: see dmesg and smartctl',
};
const OTHERWISE = 'see the disk of manifest.path, or name another file there';

/** A Fault for `error`. An error that is a Fault already is returned unchanged. */
export function manifestFault(error: unknown, path: string): Fault {
  if (error instanceof Fault) return error;
  const errno = errnoOf(error);
  const reason = error instanceof Error ? error.message.replace(/^(\w+: [^,]*),.*$/s, '$1') : String(error);
  return fault(path, `the manifest ${path} cannot be written: ${reason}`, hintOf(errno), error);
}

function hintOf(errno: string | undefined): string {
  return `No file is removed without its line. ${capital(HINT_BY_ERRNO[errno ?? ''] ?? OTHERWISE)}.`;
}

function capital(text: string): string {
  return text.startsWith('manifest') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** True for takenFault(). */
export function isTakenFault({ cause }: Fault): boolean {
  return errnoOf(cause) === 'EADDRINUSE';
}

/** Another process writes the same manifest. `cause` is EADDRINUSE, from its lock. */
export function takenFault(path: string, cause: unknown): Fault {
  const message = `another halfpipe writes the manifest ${path}`;
  return fault(path, message, 'Give each instance a manifest.path of its own.', cause);
}

/** There is another file, which is left as it is. */
export function foreignFileFault(path: string, what: string): Fault {
  return fault(path, `${path} ${what}`, 'Let manifest.path name a new file.');
}

/** Everything in a spool is uploaded and removed. */
export function insideSpoolFault(path: string, spool: string): Fault {
  return fault(
    path,
    `the manifest ${path} is in the spool ${spool}, and everything there is uploaded and removed`,
    'Let manifest.path name a file outside the spool.',
  );
}

function fault(path: string, message: string, hint: string, cause?: unknown): Fault {
  return new Fault('breaker', message, {
    ...{ operation: 'write the manifest', subject: path, hint, code: UNRECORDED, isLocal: true },
    ...(cause === undefined ? {} : { cause }),
  });
}

// The listening socket that systemd has opened and handed over, as in sd_listen_fds(3).
import { fstatSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';

/** SD_LISTEN_FDS_START: the descriptors follow standard input, output and error. */
const FIRST = 3;
/** FileDescriptorName= of the socket, which matters only if there are several. */
const NAME = 'ingest';

/**
 * The descriptor of the socket named `ingest`, or else of the first one. Undefined if systemd has
 * handed none to this process: `env` may have come from another one, and then names that one's pid.
 * Closing the server that listens there closes the socket for this process.
 */
export function handedSocket(
  { LISTEN_PID: owner, LISTEN_FDS: fds, LISTEN_FDNAMES: names = '' }: Environment,
  pid: number,
): number | undefined {
  const count = /^[1-9]\d{0,3}$/.test(fds ?? '') ? Number(fds) : 0;
  if (count === 0 || owner !== `${pid}`) return undefined;
  const named = names.split(':').slice(0, count).indexOf(NAME);
  return FIRST + Math.max(0, named);
}

/** What has the descriptor now: another file may have it later. Undefined if nothing has. */
export function socketAt(fd: number): { readonly fd: number; readonly inode: number } | undefined {
  try {
    return { fd, inode: fstatSync(fd).ino };
  } catch (error) {
    if (errnoOf(error) === 'EBADF') return undefined;
    throw error;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

// Faults of the tokens file: each names the file, the reason and the remedy.
import { errnoOf, Fault } from '../system/fault.ts';

type Reason = (path: string) => readonly [reason: string, hint: string];

const ON_READING: Readonly<Record<string, Reason>> = {
  ENOENT: () => ['no such file', 'halfpipe token add NAME makes it'],
  EACCES: (path) => [
    'permission denied',
    `Let the service read it: chgrp halfpipe ${path}; chmod 0640 ${path}`,
  ],
};

const ON_WRITING: Readonly<Record<string, Reason>> = {
  EACCES: () => ['permission denied', 'Use sudo'],
  EPERM: () => ['its owner and group cannot be kept', 'Use sudo'],
  ENOENT: (path) => ['its folder does not exist', `Make the folder: mkdir -p "$(dirname ${path})"`],
  ENOTDIR: () => ['its folder is a file', 'Set ingest.tokensFile to a file in a folder'],
  EROFS: () => ['its file system is read-only', 'Mount it read-write, or set ingest.tokensFile elsewhere'],
  ENOSPC: () => ['its disk is full', 'Free some space on that disk'],
  EDQUOT: () => ['the disk quota is used up', 'Free some space on that disk'],
  EEXIST: () => ['another halfpipe token command is changing it', 'Try again when that one has ended'],
};

/** The tokens cannot be read. `error` is a system error, or a RangeError about the content. */
export function readFault(path: string, error: unknown): Fault {
  return fault('read', ON_READING, path, error);
}

/** The tokens cannot be written; the file is as it was. */
export function writeFault(path: string, error: unknown): Fault {
  return fault('write', ON_WRITING, path, error);
}

/** Returns a Fault as it is. */
function fault(
  verb: 'read' | 'write',
  reasons: Readonly<Record<string, Reason>>,
  path: string,
  error: unknown,
): Fault {
  if (error instanceof Fault) return error;
  const code = errnoOf(error);
  const known = reasons[code ?? '']?.(path);
  const [reason, hint] = known ?? [error instanceof Error ? error.message : String(error), otherwise(error)];
  return new Fault('blocked', `cannot ${verb} the tokens in ${path} (ingest.tokensFile): ${reason}`, {
    ...{ operation: `${verb} tokens`, subject: path, hint, cause: error, isLocal: true },
    ...(code === undefined ? {} : { code }),
  });
}

function otherwise(error: unknown): string {
  return error instanceof RangeError
    ? 'Correct the file, or move it away and make new tokens with halfpipe token add NAME'
    : 'See the disk of that file, or set ingest.tokensFile to another file';
}

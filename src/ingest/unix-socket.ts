// A Unix socket with a name in the file system: its group may use it, and the name of a socket that
// has lost its process is taken over.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, lstat } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { OpenDirectory } from '../spool/open-directory.ts';
import { errnoOf, Fault } from '../system/fault.ts';

/** The service's user, and the group of its producers. */
const MODE = 0o660;

/** Rejects with a Fault if the path is in use or cannot be had. */
export async function listenAtPath(server: Server, path: string): Promise<void> {
  try {
    if (await isSocket(path)) await removeDead(path);
    server.listen({ path });
    await once(server, 'listening');
    await chmod(path, MODE);
  } catch (error) {
    server.close();
    throw refused(error, path);
  }
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSocket();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function removeDead(path: string): Promise<void> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return;
  } catch (error) {
    if (errnoOf(error) !== 'ECONNREFUSED') throw error;
  } finally {
    socket.destroy();
  }
  const folder = await OpenDirectory.open(dirname(path));
  try {
    await folder.unlink(basename(path));
  } finally {
    await folder.close();
  }
}

const WHY: Readonly<Record<string, (path: string) => readonly [reason: string, hint: string]>> = {
  EADDRINUSE: (path) => [
    'another program listens there, or it is no socket',
    `Find the program with ss -lxp src ${path}, or set ingest.listen to another path`,
  ],
  ENOENT: (path) => [
    'its folder does not exist',
    `Make the folder ${dirname(path)}, or set RuntimeDirectory= in the unit`,
  ],
  EACCES: (path) => ['permission denied', `Let the service user write to ${dirname(path)}`],
};

function refused(error: unknown, path: string): Fault {
  // libuv reports a missing folder as EACCES.
  const isMissing = errnoOf(error) === 'EACCES' && !existsSync(dirname(path));
  const code = isMissing ? 'ENOENT' : errnoOf(error);
  const [reason, hint] = WHY[code ?? '']?.(path) ?? [
    error instanceof Error ? error.message : String(error),
    'Set ingest.listen to another path',
  ];
  return new Fault('blocked', `cannot listen on ${path} (ingest.listen): ${reason}`, {
    ...{ operation: 'listen', subject: path, hint, cause: error, isLocal: true },
    ...(code === undefined ? {} : { code }),
  });
}

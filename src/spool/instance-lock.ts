// One instance per spool: the process that answers at `.halfpipe/control.sock` drains it.
import { randomUUID } from 'node:crypto';
import { chmod, link, readFile, rename } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { errnoOf, Fault } from '../system/fault.ts';
import { OpenDirectory } from './open-directory.ts';
import { PRIVATE_FOLDER } from './private-folder.ts';
import { PID_NAME } from './put-back.ts';
import { spoolFault } from './spool-fault.ts';
import { writeDurably } from './write-durably.ts';

const SOCKET_NAME = 'control.sock';
// Each further attempt means that another start came in between.
const ATTEMPTS_MAX = 5;
/** A daemon answers within milliseconds. A suspended daemon does not answer. */
const SILENCE_MS = 5_000;

/** The part of SpoolDirectory that the lock needs. */
export interface LockableSpool {
  readonly path: string;
  openPrivate(): Promise<OpenDirectory>;
  clearTemporaries(): Promise<void>;
}

/** Installs the handler for connections to the control socket. */
export type Serve = (server: Server) => unknown;

/**
 * Holds a spool for this process. The lock is a listening socket: the kernel closes it with its
 * process, so a crash never leaves a lock behind. A crash may leave the socket's name behind; the
 * next start finds out by connecting to it.
 */
export class InstanceLock {
  readonly #server: Server;
  readonly #open: ReadonlySet<Socket>;
  readonly #privateFolder: OpenDirectory;
  /**
   * Inode of the socket file. Undefined when the lock is an abstract socket named after the folder.
   */
  readonly #ino: bigint | undefined;

  private constructor(
    server: Server,
    open: ReadonlySet<Socket>,
    privateFolder: OpenDirectory,
    ino: bigint | undefined,
  ) {
    this.#server = server;
    this.#open = open;
    this.#privateFolder = privateFolder;
    this.#ino = ino;
  }

  /**
   * Takes the lock and removes what a crashed instance left half-written. Rejects with a Fault
   * `breaker` with code `EADDRINUSE` when another instance, even a suspended one, has the spool.
   */
  static async acquire(spool: LockableSpool, serve: Serve = () => undefined): Promise<InstanceLock> {
    const privateFolder = await spool.openPrivate();
    const server = createServer();
    // Serve before the socket gets its public name, so that no client connects and waits in vain.
    serve(server);
    const open = keepOpen(server);
    try {
      const ino = await takeAddress(server, privateFolder, spool.path);
      await spool.clearTemporaries();
      await writeDurably(privateFolder, PID_NAME, `${process.pid}\n`);
      return new InstanceLock(server, open, privateFolder, ino);
    } catch (error) {
      await close(server, open);
      await privateFolder.close();
      throw spoolFault(error, 'lock', spool.path);
    }
  }

  /** Resolves with true if this lock covers the folder that is at the spool's path now. */
  async isOf(spool: LockableSpool): Promise<boolean> {
    const privateFolder = await spool.openPrivate();
    try {
      if (privateFolder.dev !== this.#privateFolder.dev) return false;
      if (this.#ino === undefined) return privateFolder.ino === this.#privateFolder.ino;
      return (await privateFolder.lookUp(SOCKET_NAME))?.ino === this.#ino;
    } finally {
      await privateFolder.close();
    }
  }

  /** Gives the spool free for another instance, and ends every connection. */
  async release(): Promise<void> {
    const present = await this.#privateFolder.lookUp(SOCKET_NAME);
    if (present?.ino === this.#ino) {
      if ((await this.#privateFolder.lookUp(PID_NAME)) !== undefined)
        await this.#privateFolder.unlink(PID_NAME);
      if (present !== undefined) await this.#privateFolder.unlink(SOCKET_NAME);
    }
    await close(this.#server, this.#open);
    await this.#privateFolder.close();
  }
}

/**
 * Connects to the instance that drains the spool at `path`. The socket emits `timeout` after 5 s of
 * silence. Rejects with the system error when no instance answers.
 */
export async function connectToInstance(path: string): Promise<Socket> {
  const privateFolder = await OpenDirectory.open(`${path}/${PRIVATE_FOLDER}`);
  try {
    return await dial(privateFolder.at(SOCKET_NAME).toString());
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // The instance may listen at its abstract address. If it does not, the missing socket is the
    // better error to report.
    return await dial(folderAddress(privateFolder)).catch(() => {
      throw error;
    });
  } finally {
    await privateFolder.close();
  }
}

/**
 * Error codes of file systems without sockets or without hard links: FAT, most network file systems
 * and many in user space.
 */
const LACKING: ReadonlySet<string | undefined> = new Set([
  ...['EPERM', 'EACCES', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'ENOTTY', 'EIO'],
]);

/**
 * Makes the server listen at the spool's address. Resolves with the inode of the socket file, or
 * with undefined if the file system has no sockets.
 */
async function takeAddress(
  server: Server,
  privateFolder: OpenDirectory,
  path: string,
): Promise<bigint | undefined> {
  const temporary = `tmp/${randomUUID()}.sock`;
  try {
    await listen(server, privateFolder.at(temporary).toString());
    await chmod(privateFolder.at(temporary), 0o600);
    const ino = await takeName(privateFolder, temporary, path);
    await privateFolder.unlink(temporary);
    return ino;
  } catch (error) {
    if (error instanceof Fault || !LACKING.has(errnoOf(error))) throw error;
  }
  if (server.listening) await new Promise((resolve) => server.close(resolve));
  try {
    await listen(server, folderAddress(privateFolder));
  } catch (error) {
    throw errnoOf(error) === 'EADDRINUSE' ? await takenFault(privateFolder, path) : error;
  }
  return undefined;
}

/**
 * The address of a lock without a socket file: an abstract socket named by the folder's inode,
 * which the kernel closes with its process. Another network namespace or another machine may not
 * see it.
 */
function folderAddress({ dev, ino }: OpenDirectory): string {
  return `\0halfpipe-${dev.toString(16)}-${ino.toString(16)}`;
}

/** Gives the socket at `temporary` its well-known name, unless a live process has that name. */
async function takeName(privateFolder: OpenDirectory, temporary: string, path: string): Promise<bigint> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await link(privateFolder.at(temporary), privateFolder.at(SOCKET_NAME));
      const own = await privateFolder.lookUp(temporary);
      const present = await privateFolder.lookUp(SOCKET_NAME);
      if (own !== undefined && own.ino === present?.ino) return own.ino;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      await clearStale(privateFolder, path);
    }
    if (attempt === ATTEMPTS_MAX) throw await takenFault(privateFolder, path);
  }
}

/**
 * Moves away a socket that has no listener. Only the very socket that was found dead is removed.
 */
async function clearStale(privateFolder: OpenDirectory, path: string): Promise<void> {
  const found = await privateFolder.lookUp(SOCKET_NAME);
  if (found === undefined) return;
  if (await isAnswered(privateFolder)) throw await takenFault(privateFolder, path);
  const stale = `tmp/${randomUUID()}.sock`;
  try {
    await rename(privateFolder.at(SOCKET_NAME), privateFolder.at(stale));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await privateFolder.lookUp(stale);
  // Another start was quicker, and this is its live socket.
  if (moved?.ino !== found.ino) await link(privateFolder.at(stale), privateFolder.at(SOCKET_NAME));
  await privateFolder.unlink(stale);
}

async function isAnswered(privateFolder: OpenDirectory): Promise<boolean> {
  try {
    (await dial(privateFolder.at(SOCKET_NAME).toString())).destroy();
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false;
    // The process is suspended, and its queue of connections is full.
    if (code === 'EAGAIN') return true;
    throw error;
  }
}

function dial(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: SILENCE_MS });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Tracks all open connections, also those that are not served: a silent one would delay a stop for
 * ever.
 */
function keepOpen(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

function close(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    // An error means that the server does not listen, which is the goal.
    server.close(() => resolve());
    for (const socket of open) socket.destroy();
  });
}

async function takenFault(privateFolder: OpenDirectory, path: string): Promise<Fault> {
  const pid = await readPid(privateFolder);
  const who = pid === undefined ? 'another halfpipe' : `another halfpipe (pid ${pid})`;
  return new Fault(
    'breaker',
    `${who} drains the spool ${path}: stop it first, or give this one its own spool`,
    {
      operation: 'lock',
      subject: path,
      code: 'EADDRINUSE',
    },
  );
}

async function readPid(privateFolder: OpenDirectory): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(privateFolder.at(PID_NAME), 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

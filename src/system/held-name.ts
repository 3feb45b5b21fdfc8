// A lock between the processes of this machine: one of them listens at an address made from the
// place of a file.
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/** Where a file is. The same file has the same place, by whatever path it is reached. */
export interface FilePlace {
  /** The folder's device and inode. */
  readonly dev: bigint;
  readonly ino: bigint;
  readonly name: string;
}

export interface HeldName {
  release(): Promise<void>;
}

/**
 * Takes the lock named `purpose` of a file, which need not exist. The kernel frees it with its
 * process, so a crash leaves none behind. A process in another network namespace, such as a
 * container, does not see it. Rejects with the system error EADDRINUSE if another process has it.
 */
export async function holdName(purpose: string, { dev, ino, name }: FilePlace): Promise<HeldName> {
  const digits = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const server = createServer((socket) => socket.destroy());
  await listen(server, `\0halfpipe-${purpose}-${dev.toString(16)}-${ino.toString(16)}-${digits}`);
  return { release: () => new Promise((resolve) => void server.close(() => resolve())) };
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

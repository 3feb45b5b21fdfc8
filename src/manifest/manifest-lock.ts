// One process writes a manifest: the one that listens at an address made from the file's place.
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { errnoOf } from '../system/fault.ts';
import { takenFault } from './manifest-fault.ts';

/** Where the manifest is. The same file has the same place, by whatever path it is reached. */
export interface ManifestPlace {
  /** The folder's device and inode. */
  readonly dev: bigint;
  readonly ino: bigint;
  readonly name: string;
}

export interface ManifestLock {
  release(): Promise<void>;
}

/**
 * Takes the lock. The kernel frees it with its process, so a crash leaves none behind. A process in
 * another network namespace, such as a container, does not see it.
 * Rejects with a Fault if another process has it.
 */
export async function lockManifest({ dev, ino, name }: ManifestPlace, path: string): Promise<ManifestLock> {
  const digits = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, `\0halfpipe-manifest-${dev.toString(16)}-${ino.toString(16)}-${digits}`);
  } catch (error) {
    throw errnoOf(error) === 'EADDRINUSE' ? takenFault(path, error) : error;
  }
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

// Reads the text of a config file, or says why it cannot be read and what to do.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { errnoOf } from '../system/fault.ts';
import { ConfigError } from './config-error.ts';

/** Rejects with ConfigError. `remedy` says what to do when there is no file. */
export async function readConfigText(file: string, remedy: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readRegular(file));
  } catch (error) {
    throw unreadable(file, error, remedy);
  }
}

/** `path` is a file or the folder of the drop-ins. */
export function unreadable(path: string, error: unknown, remedy: string): ConfigError {
  const code = errnoOf(error);
  const reasons: Record<string, string> = {
    ENXIO: `is not a regular file: ${remedy}`,
    ENOENT: `no such file: ${remedy}`,
    EISDIR: `is a directory: ${remedy}`,
    EACCES: `may not be read by user ${userName()}: give it read permission (chmod, chown)`,
    ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text: save it as UTF-8',
  };
  const reason =
    (code === undefined ? undefined : reasons[code]) ?? `cannot be read (${code ?? String(error)})`;
  return new ConfigError([`${path}: ${reason}`], error);
}

/** Reads a regular file, without waiting for a writer as a FIFO would: open(2) says ENXIO. */
async function readRegular(file: string): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory())
      throw Object.assign(new Error('not a regular file'), { code: 'ENXIO' });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that its user database does not have.
    return String(process.geteuid?.());
  }
}

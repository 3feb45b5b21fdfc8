// Folders that take long to make and that later runs on this machine use again. They lie outside the checkout: CI tests a
// new one each time.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export const KEPT_FOLDERS = '/var/tmp/halfpipe-debian-roots';

/**
 * The folder that `make` has filled, now or in an earlier run with the same name and contents. Two runs at once both make
 * it, and one is used. Nobody may write to it.
 */
export function keptFolder(
  name: string,
  contents: readonly string[],
  make: (folder: string) => void,
): string {
  const digest = createHash('sha256').update(contents.join(' ')).digest('hex').slice(0, 8);
  const folder = join(KEPT_FOLDERS, `${name}-${digest}`);
  if (existsSync(folder)) return folder;
  mkdirSync(KEPT_FOLDERS, { recursive: true });
  const making = mkdtempSync(join(KEPT_FOLDERS, 'making-'));
  try {
    make(making);
    chmodSync(making, 0o755);
    renameSync(making, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

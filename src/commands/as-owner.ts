// Commands that touch a spool, called by root: they do it as the user the daemon runs as.
import { statSync } from 'node:fs';

/** Root may do everything, and what it makes the service's user could not use: it works as the spool's owner. */
export async function asOwnerOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || owner === undefined) return await work();
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

// Commands that touch a spool, called by root: they do it as the user the daemon runs as.
import { statSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';

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

/** For root alone. Node.js has no other way to the user database than to try and be that user. */
export function isUser(name: string): boolean {
  try {
    process.seteuid?.(name);
  } catch (error) {
    if (errnoOf(error) === 'ERR_UNKNOWN_CREDENTIAL') return false;
    throw error;
  }
  process.seteuid?.(0);
  return true;
}

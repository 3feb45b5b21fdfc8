// Lets commands that touch a spool do so as the user of the daemon, when root calls them.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';
import type { Service } from '../system/service.ts';

/**
 * Runs `work` as `user`, or as the owner of `path` if there is no user of that name, because the
 * service could not use files that root makes. If the caller is not root, it works as itself.
 * Rejects as `work` does.
 */
export async function asServiceUser<T>(
  path: string,
  { user, group }: Pick<Service, 'user' | 'group'>,
  work: () => Promise<T>,
): Promise<T> {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || owner === undefined) return await work();
  const isNamed = user !== undefined && isUser(user);
  become(isNamed ? { user, group: group ?? ownGroup(user) } : { user: owner.uid, group: owner.gid });
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.([0]);
  }
}

/**
 * The group of the service's user, for files that root makes and the service reads. Undefined if
 * there is no such user, or if the caller is not root.
 */
export function groupOfService({ user, group }: Pick<Service, 'user' | 'group'>): number | undefined {
  if (process.geteuid?.() !== 0 || user === undefined || !isUser(user)) return undefined;
  if (group === undefined) return ownGroup(user);
  process.setegid?.(group);
  const gid = process.getegid?.();
  process.setegid?.(0);
  return gid;
}

/**
 * Only root may call this. Node.js cannot query the user database; the only test is to try to
 * become that user.
 */
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

/**
 * The group that systemd uses if the unit names none: the one in the user database, which Node.js
 * cannot query.
 */
function ownGroup(user: string): number {
  return Number(execFileSync('id', ['-g', user], { encoding: 'utf8' }));
}

/** Takes all groups of the user, as the service has them. Node's types lack this function. */
function takeGroupsOf(user: string, group: string | number): void {
  const initgroups: unknown = Reflect.get(process, 'initgroups');
  if (typeof initgroups === 'function') initgroups.call(process, user, group);
}

function become({ user, group }: { user: string | number; group: string | number }): void {
  if (typeof user === 'string') takeGroupsOf(user, group);
  else process.setgroups?.([Number(group)]);
  process.setegid?.(group);
  process.seteuid?.(user);
}

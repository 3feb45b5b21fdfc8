// Lets commands that touch a spool do so as the user of the daemon, when root calls them.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';
import type { Service } from '../system/service.ts';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** True if the user database has the user's groups. */
  readonly isNamed: boolean;
}

/**
 * Runs `work` as `identityFor` says, because the service could not use files that root makes.
 * Rejects as `work` does.
 */
export async function asServiceUser<T>(
  path: string,
  service: Pick<Service, 'user' | 'group'>,
  work: () => Promise<T>,
): Promise<T> {
  const identity = identityFor(path, service);
  if (identity === undefined) return await work();
  become(identity);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.([0]);
  }
}

/**
 * The user of the service, or the owner of `path` if there is no user of that name. Undefined if
 * the caller need not change: it is not root, or root is that user.
 */
export function identityFor(
  path: string,
  { user, group }: Pick<Service, 'user' | 'group'>,
): Identity | undefined {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || owner === undefined) return undefined;
  const uid = user === undefined ? undefined : numberOf('-u', user);
  if (user !== undefined && uid !== undefined) {
    // Without Group=, systemd uses the group that the user database has.
    const gid = group === undefined ? numberOf('-g', user) : groupNumber(group);
    return uid === 0 ? undefined : { uid, gid: gid ?? owner.gid, isNamed: true };
  }
  return owner.uid === 0 ? undefined : { uid: owner.uid, gid: owner.gid, isNamed: false };
}

/**
 * The group of the service's user, for files that root makes and the service reads. Undefined if
 * there is no such user, or if the caller is not root.
 */
export function groupOfService({ user, group }: Pick<Service, 'user' | 'group'>): number | undefined {
  if (process.geteuid?.() !== 0 || user === undefined || !isUser(user)) return undefined;
  return group === undefined ? numberOf('-g', user) : groupNumber(group);
}

export function isUser(name: string): boolean {
  return numberOf('-u', name) !== undefined;
}

/**
 * False for root where Node.js refuses to change its user, because libuv might do file calls as the
 * former one (CVE-2024-22017). This is so where a distribution's Node.js uses its own libuv.
 */
export function canChangeUser(): boolean {
  try {
    process.seteuid?.(process.geteuid?.() ?? 0);
  } catch (error) {
    if (errnoOf(error) === 'ERR_INVALID_STATE') return false;
    throw error;
  }
  return true;
}

/** Node.js cannot query the user database. Undefined if it has no such user. */
function numberOf(which: '-u' | '-g', user: string): number | undefined {
  return answerOf('id', [which, '--', user]);
}

function groupNumber(group: string): number | undefined {
  // NAME:PASSWORD:GID:MEMBERS
  return answerOf('getent', ['group', group], (line) => line.split(':')[2]);
}

function answerOf(
  command: string,
  args: readonly string[],
  pick = (line: string): string | undefined => line,
): number | undefined {
  try {
    const answer = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(pick(answer.trim()));
  } catch {
    // The command has failed: there is no such entry.
    return undefined;
  }
}

function become({ uid, gid, isNamed }: Identity): void {
  // All groups of the user, as the service has them. Node's types lack this function.
  const initgroups: unknown = Reflect.get(process, 'initgroups');
  if (isNamed && typeof initgroups === 'function') initgroups.call(process, uid, gid);
  else process.setgroups?.([gid]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
}

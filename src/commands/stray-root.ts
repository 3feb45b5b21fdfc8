// Refuses `halfpipe run` typed by root beside the service: the service could not use what root
// makes in the spool, and would not start any more.
import { statSync } from 'node:fs';
import type { Environment } from '../config/load.ts';
import { isUser } from './as-service-user.ts';
import { serviceFilesOf } from './service-environment.ts';
import { readServiceUnit } from './service-unit.ts';

export interface RootFacts {
  /** Undefined if there is no spool. */
  readonly ownerUid: number | undefined;
  /** The service that reads the named config file; undefined if there is none. */
  readonly service: { readonly unit: string; readonly user: string } | undefined;
}

/** The reason to refuse, and what to type instead; undefined if root may run it. */
export function strayRoot(path: string, configFile: string, env: Environment): string | undefined {
  // Set by systemd, so a service manager has started this process.
  if (env.INVOCATION_ID !== undefined || process.geteuid?.() !== 0) return undefined;
  const unit = serviceFilesOf(configFile)?.unit;
  const user = unit === undefined ? 'root' : (readServiceUnit(unit)?.user ?? 'halfpipe');
  const isOther = user !== 'root' && user !== '0' && isUser(user);
  return strayRootText(path, {
    ownerUid: statSync(path, { throwIfNoEntry: false })?.uid,
    service: unit !== undefined && isOther ? { unit, user } : undefined,
  });
}

export function strayRootText(path: string, { ownerUid, service }: RootFacts): string | undefined {
  if (ownerUid === undefined) return undefined;
  if (ownerUid === 0 && service === undefined) return undefined;
  const { unit = 'halfpipe', user = `${ownerUid}` } = service ?? {};
  const whose = ownerUid === 0 ? `the service runs as ${user}` : `${path} belongs to user ${ownerUid}`;
  const remedy = `systemctl start ${unit}, or setpriv --reuid=${user} --regid=${user} --clear-groups halfpipe run`;
  return `${whose}, and what root makes in the spool would stop the service: ${remedy}`;
}

// The part of `halfpipe check` about the manifest: whether the service can write it.
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { Manifest } from '../manifest/manifest.ts';
import { isTakenFault } from '../manifest/manifest-fault.ts';
import { lockManifest } from '../manifest/manifest-lock.ts';
import type { ManifestOptions } from '../manifest/open-manifest.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { manifestOptionsOf } from '../stage-options.ts';
import { systemClock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import { asServiceUser } from './as-service-user.ts';
import { type Finding, ok } from './finding.ts';
import { askUnit, isMadeBySystemd, sandboxFindings } from './sandbox.ts';

/**
 * Finds nothing if no manifest is kept. Makes the file if it is missing, as the service would.
 * Rejects with a Fault if the service could not write it.
 */
export async function examineManifest(settings: Settings): Promise<readonly Finding[]> {
  const options = manifestOptionsOf(settings);
  if (options === undefined) return [];
  const { service } = settings;
  const { path, spoolPath } = options;
  const folder = dirname(path);
  const unit = service.user === undefined ? undefined : await askUnit(service.unit);
  if (unit !== undefined) {
    const hidden = sandboxFindings(folder, service.unit, unit);
    if (hidden.length > 0) return hidden;
    if (isMadeBySystemd(folder, unit) && lstatSync(folder, { throwIfNoEntry: false }) === undefined)
      return [ok(`${path}: systemd makes the folder when the service starts`)];
  }
  const trouble = await asServiceUser(spoolPath, service, () => tryOut(options));
  if (trouble === undefined) return [ok(`${path}: lines can be written and synced`)];
  if (isTakenFault(trouble) && (await isRunning(spoolPath)))
    return [ok(`${path}: the running halfpipe writes it`)];
  throw trouble;
}

async function tryOut(options: ManifestOptions): Promise<Fault | undefined> {
  const ports = { clock: systemClock, lock: lockManifest, onEvent: () => undefined };
  const manifest = new Manifest(ports, options);
  const trouble = await manifest.trouble();
  await manifest.stop();
  return trouble;
}

async function isRunning(spoolPath: string): Promise<boolean> {
  try {
    (await connectToInstance(spoolPath)).destroy();
    return true;
  } catch {
    // No instance answers.
    return false;
  }
}

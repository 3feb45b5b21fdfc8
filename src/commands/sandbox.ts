// What the unit's sandbox hides from the service, or protects from its writes. `check` itself runs
// outside the sandbox.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Finding, fails } from './finding.ts';

export type UnitProperties = Readonly<Record<string, string>>;

const ASKED = [
  ...['LoadState', 'User', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'ReadWritePaths'],
  ...['RuntimeDirectory', 'StateDirectory'],
];

/** Resolves with undefined if there is no systemd or no such unit. */
export async function askUnit(unit: string): Promise<UnitProperties | undefined> {
  const shown = await showUnit(unit, ASKED);
  const properties = Object.fromEntries(shown);
  return properties.LoadState === 'loaded' ? properties : undefined;
}

/** The properties, some of them several times. There are none if systemd does not answer. */
export async function showUnit(
  unit: string,
  properties: readonly string[],
): Promise<readonly (readonly [name: string, value: string])[]> {
  try {
    const args = ['show', unit, `--property=${properties.join(',')}`];
    const { stdout } = await promisify(execFile)('systemctl', args);
    return [...stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
  } catch {
    // There is no systemctl, or systemd does not answer.
    return [];
  }
}

/** `path` is the spool, or the folder of the manifest. */
export function sandboxFindings(path: string, unit: string, properties: UnitProperties): readonly Finding[] {
  const edit = `systemctl edit ${unit}, below [Service]`;
  if (isBelow(path, ['/home', '/root', '/run/user']) && hides(properties.ProtectHome))
    return [fails(`ProtectHome= of the unit hides ${path} from the service: ${edit} set ProtectHome=no`)];
  if (isBelow(path, ['/tmp', '/var/tmp']) && hides(properties.PrivateTmp))
    return [fails(`PrivateTmp= of the unit hides ${path} from the service: ${edit} set PrivateTmp=no`)];
  if (properties.ProtectSystem !== 'strict' || isBelow(path, writableIn(properties))) return [];
  const what = `the unit does not allow the service to write to ${path}`;
  return [fails(`${what}: ${edit} set ReadWritePaths=${path}`)];
}

function writableIn(properties: UnitProperties): readonly string[] {
  const { ReadWritePaths: named = '' } = properties;
  return [...named.split(' ').map((entry) => entry.replace(/^[-+]+/, '')), ...ownFolders(properties)];
}

/** True if systemd makes this folder, and lets the service own it, when the unit starts. */
export function isMadeBySystemd(path: string, properties: UnitProperties): boolean {
  return ownFolders(properties).includes(path);
}

function ownFolders({ StateDirectory = '', RuntimeDirectory = '' }: UnitProperties): readonly string[] {
  const named = (names: string) => names.split(' ').filter((name) => name !== '');
  return [
    ...named(StateDirectory).map((name) => `/var/lib/${name}`),
    ...named(RuntimeDirectory).map((name) => `/run/${name}`),
  ];
}

/** `read-only` in ProtectHome= is found by writing. */
function hides(value: string | undefined): boolean {
  return value !== undefined && !['no', 'false', 'off', 'read-only', ''].includes(value);
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => folder !== '' && (path === folder || path.startsWith(`${folder}/`)));
}

// What the unit's sandbox hides from the service, or protects from its writes. `check` itself runs
// outside the sandbox.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Finding, fails } from './finding.ts';

export type UnitProperties = Readonly<Record<string, string>>;

const ASKED = [
  ...['LoadState', 'User', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'ReadWritePaths', 'StateDirectory'],
];

/** Resolves with undefined if there is no systemd or no such unit. */
export async function askUnit(unit: string): Promise<UnitProperties | undefined> {
  try {
    const { stdout } = await promisify(execFile)('systemctl', [
      'show',
      unit,
      `--property=${ASKED.join(',')}`,
    ]);
    const properties = Object.fromEntries(
      stdout.split('\n').flatMap((line) => {
        const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
        return name === undefined || value === undefined ? [] : [[name, value]];
      }),
    );
    return properties.LoadState === 'loaded' ? properties : undefined;
  } catch {
    // There is no systemctl, or systemd does not answer.
    return undefined;
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

function writableIn({ ReadWritePaths = '', StateDirectory = '' }: UnitProperties): readonly string[] {
  const named = ReadWritePaths.split(' ').map((entry) => entry.replace(/^[-+]+/, ''));
  return [...named, ...stateFolders(StateDirectory)];
}

/** True if systemd makes this folder, and lets the service own it, when the unit starts. */
export function isStateFolder(path: string, { StateDirectory = '' }: UnitProperties): boolean {
  return stateFolders(StateDirectory).includes(path);
}

function stateFolders(names: string): readonly string[] {
  const all = names.split(' ').filter((name) => name !== '');
  return all.map((name) => `/var/lib/${name}`);
}

/** `read-only` in ProtectHome= is found by writing. */
function hides(value: string | undefined): boolean {
  return value !== undefined && !['no', 'false', 'off', 'read-only', ''].includes(value);
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => folder !== '' && (path === folder || path.startsWith(`${folder}/`)));
}

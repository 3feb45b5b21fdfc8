// What the unit's sandbox hides from the service, or protects from its writes. `check` itself runs
// outside the sandbox.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Finding, fails } from './finding.ts';

export type UnitProperties = Readonly<Record<string, string>>;

const ASKED = ['LoadState', 'User', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'ReadWritePaths'];

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

export function sandboxFindings(path: string, unit: string, properties: UnitProperties): readonly Finding[] {
  const edit = `systemctl edit ${unit}, below [Service]`;
  if (isBelow(path, ['/home', '/root', '/run/user']) && hides(properties.ProtectHome))
    return [fails(`ProtectHome= of the unit hides ${path} from the service: ${edit} set ProtectHome=no`)];
  if (isBelow(path, ['/tmp', '/var/tmp']) && hides(properties.PrivateTmp))
    return [fails(`PrivateTmp= of the unit hides ${path} from the service: ${edit} set PrivateTmp=no`)];
  const writable = (properties.ReadWritePaths ?? '').split(' ').map((entry) => entry.replace(/^[-+]+/, ''));
  if (properties.ProtectSystem !== 'strict' || isBelow(path, writable)) return [];
  return [
    fails(`the unit allows the service to write only to its own spool: ${edit} set ReadWritePaths=${path}`),
  ];
}

/** `read-only` in ProtectHome= is found by writing. */
function hides(value: string | undefined): boolean {
  return value !== undefined && !['no', 'false', 'off', 'read-only', ''].includes(value);
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => folder !== '' && (path === folder || path.startsWith(`${folder}/`)));
}

// What systemd knows of the service's unit with its drop-ins, as far as the commands that an
// operator types must see it: whom it runs as, and its variables.
import { execFileSync } from 'node:child_process';

export interface ServiceUnit {
  /** Undefined where the unit does not say. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** In their order; a later one counts more. */
  readonly environmentFiles: readonly string[];
}

const ASKED = 'LoadState,User,Group,Environment,EnvironmentFiles';
/** A manager that hangs must not keep `status` from telling so. */
const PATIENCE_MS = 2_000;

/** Undefined where there is no systemd, or no such unit. */
export function readServiceUnit(unit: string): ServiceUnit | undefined {
  try {
    const args = ['show', unit, `--property=${ASKED}`];
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return parseServiceUnit(
      execFileSync('systemctl', args, { encoding: 'utf8', stdio: [...stdio], timeout: PATIENCE_MS }),
    );
  } catch {
    // No systemctl, or no systemd that answers.
    return undefined;
  }
}

/** `text` is what `systemctl show` prints. */
export function parseServiceUnit(text: string): ServiceUnit | undefined {
  const lines = text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === '' ? [] : [{ name, value }];
  });
  const of = (wanted: string) => lines.filter(({ name }) => name === wanted).map(({ value }) => value);
  if (of('LoadState')[0] !== 'loaded') return undefined;
  const environment = of('Environment')
    .flatMap(words)
    .map((word) => word.split(/=(.*)/s));
  return {
    user: of('User')[0] || undefined,
    group: of('Group')[0] || undefined,
    environment: Object.fromEntries(environment.map(([name = '', value = '']) => [name, value])),
    environmentFiles: of('EnvironmentFiles').map((value) => value.replace(/ \(ignore_errors=\w+\)$/, '')),
  };
}

/** As systemctl quotes them: `A=1 "B=two words" $'C=a\nb'`. */
function words(value: string): string[] {
  const found = value.matchAll(/\$'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g);
  return [...found].map(([, posix, quoted, bare = '']) => {
    if (posix !== undefined) return posix.replace(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? sign);
    return quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1');
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

// What systemd knows about the service's unit and its drop-ins: its user and its variables.
import { execFileSync } from 'node:child_process';

export interface ServiceUnit {
  /** Undefined if the unit does not say. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** In their order; a later file takes precedence. */
  readonly environmentFiles: readonly string[];
}

const ASKED = 'LoadState,User,Group,Environment,EnvironmentFiles';
/** `status` must be able to answer even if the manager hangs. */
const PATIENCE_MS = 2_000;

/** Undefined if there is no systemd or no such unit. */
export function readServiceUnit(unit: string): ServiceUnit | undefined {
  try {
    const args = ['show', unit, `--property=${ASKED}`];
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return parseServiceUnit(
      execFileSync('systemctl', args, { encoding: 'utf8', stdio: [...stdio], timeout: PATIENCE_MS }),
    );
  } catch {
    // There is no systemctl, or systemd does not answer.
    return undefined;
  }
}

/** `text` is the output of `systemctl show`. */
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

/** Splits a value as systemctl quotes it: `A=1 "B=two words" $'C=a\nb'`. */
function words(value: string): string[] {
  const found = value.matchAll(/\$'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g);
  return [...found].map(([, posix, quoted, bare = '']) => {
    if (posix !== undefined) return posix.replace(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? sign);
    return quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1');
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

// Gives commands that an operator types the environment of the config file's service: its variables
// and its key instead of the shell's. See systemd/halfpipe.service.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '../config/load.ts';
import { errnoOf } from '../system/fault.ts';
import type { ServiceUnit } from './service-unit.ts';

export interface ServiceFiles {
  readonly unit: string;
  /** The unit's EnvironmentFile=. */
  readonly defaults: string;
  readonly credentials: string;
}

const FOLDER = '/etc/halfpipe';

/** Undefined for a config file that no unit reads. */
export function serviceFilesOf(configFile: string): ServiceFiles | undefined {
  const name = new RegExp(`^${FOLDER}/([^/]+)\\.yaml$`).exec(resolve(configFile))?.[1];
  if (name === undefined) return undefined;
  if (name === 'halfpipe')
    return {
      unit: 'halfpipe',
      defaults: '/etc/default/halfpipe',
      credentials: `${FOLDER}/aws-credentials`,
    };
  return {
    unit: `halfpipe@${name}`,
    defaults: `/etc/default/halfpipe-${name}`,
    credentials: `${FOLDER}/${name}.aws-credentials`,
  };
}

/** True in a process that the unit itself has started: it has the service's environment already. */
export function isPartOf({ unit }: ServiceFiles, env: Environment): boolean {
  return env.INVOCATION_ID !== undefined && env.HALFPIPE_UNIT === unit;
}

export interface ServiceEnvironment {
  readonly env: Environment;
  /** Variables of the shell that the service does not have. */
  readonly dropped: readonly string[];
}

/** Variables that decide what halfpipe does, and that a shell may have for other programs. */
const OURS =
  /^(AWS_.*|HALFPIPE_.*|(https?|all|no)_proxy|NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA|CREDENTIALS_DIRECTORY)$/i;
/** Variables that an operator may set in a shell to try things out. */
const HARMLESS = /^(AWS_EC2_METADATA_DISABLED|AWS_SDK_JS_.*)$/;

/**
 * Never throws for a missing file: a file that cannot be read counts as missing. `unit` is what
 * systemd says about the unit, including drop-ins.
 */
export function serviceEnvironment(
  shell: Environment,
  files: ServiceFiles,
  unit: ServiceUnit | undefined,
): ServiceEnvironment {
  const kept = Object.entries(shell).filter(([name]) => !OURS.test(name) || HARMLESS.test(name));
  // The service reads a copy, but the operator wants to know about the original file.
  const { AWS_SHARED_CREDENTIALS_FILE: _copy, ...ofUnit } = unit?.environment ?? {};
  const ofFiles = (unit?.environmentFiles ?? [files.defaults]).map((file) =>
    parseEnvironmentFile(textOf(file)),
  );
  const credentials = ofUnit.HALFPIPE_CREDENTIALS || files.credentials;
  const set = {
    AWS_CONFIG_FILE: `${FOLDER}/aws-config`,
    // Without a key for the instance, the unit passes an empty file, so that no home folder is
    // searched.
    AWS_SHARED_CREDENTIALS_FILE: existsSync(credentials) ? credentials : '/dev/null',
    HALFPIPE_CREDENTIALS: credentials,
    HALFPIPE_UNIT: files.unit,
    HALFPIPE_USER: unit?.user ?? 'halfpipe',
    ...(unit?.group === undefined ? {} : { HALFPIPE_GROUP: unit.group }),
    ...ofUnit,
  };
  const env: Record<string, string | undefined> = Object.assign(Object.fromEntries(kept), set, ...ofFiles);
  const dropped = Object.keys(shell).filter(
    (name) => shell[name] !== undefined && shell[name] !== '' && shell[name] !== env[name],
  );
  return { env, dropped };
}

/** Parses the format of systemd.exec(5): comments, quotes, and lines continued by a backslash. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.replace(/\\\r?\n/g, '').split(/\r?\n/)) {
    const [, name, value = ''] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) found[name] = unquoted(value.trim());
  }
  return found;
}

function unquoted(value: string): string {
  const [, single] = /^'([^']*)'$/.exec(value) ?? [];
  if (single !== undefined) return single;
  const [, double = value] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  return double.replace(/\\(.)/g, '$1');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return '';
  }
}

// Turns the config files and the environment into validated settings, or into a list of everything
// that is wrong. An environment variable takes precedence over the files, and the files over the
// default. An unknown name is refused.
import convict from 'convict';
import { type Proxies, readProxies } from '../system/proxies.ts';
import { readService } from '../system/service.ts';
import { findClashes } from './combinations.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigFile } from './config-file.ts';
import { readConfig } from './drop-ins.ts';
import type { Option } from './option.ts';
import { optionByKey, schema } from './schema.ts';
import type { Settings } from './settings.ts';
import { toSettings } from './to-settings.ts';
import { explainUnknownKey } from './unknown-key.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

type Values = Record<string, unknown>;

/** An option as it is in force. */
export interface EffectiveOption {
  readonly option: Option<unknown>;
  /** The value as written in the file or the environment. Null: not set. A map is a Map object. */
  readonly value: unknown;
  /**
   * `FILE:LINE`, several of them for a map that several files have written, or the name of the
   * environment variable; undefined for a default.
   */
  readonly place: string | undefined;
}

export interface LoadedConfig {
  readonly settings: Settings;
  /** Those that were read, in their order: the config file first, then its drop-ins. */
  readonly files: readonly string[];
  /** Every option, in the order of the schema. */
  readonly options: readonly EffectiveOption[];
}

export async function loadSettings(file: string, env: Environment): Promise<Settings> {
  return (await loadConfig(file, env)).settings;
}

/**
 * Reads `file` (YAML or JSON) with its drop-ins, and the `HALFPIPE_…` and proxy variables of `env`;
 * an empty variable counts as not set. Rejects with ConfigError, which lists every problem found.
 * It looks only at the files and `env`, not at whether bucket, interface or spool exist.
 */
export async function loadConfig(file: string, env: Environment): Promise<LoadedConfig> {
  const typed = await readConfig(file);
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const config = convict<Values>(schema, { env: set, args: [] });
  for (const [key, { value }] of typed.values) {
    if (set[optionByKey.get(key)?.env ?? ''] === undefined) config.set(key, value);
  }

  const problem = (key: string, reason: string) => {
    const option = optionByKey.get(key);
    return option === undefined ? `${file}: ${key} ${reason}` : describe(option, config.get(key), reason);
  };
  const describe = (option: Option<unknown>, value: unknown, reason: string) => {
    const shown = value === null ? '' : option.sensitive === true ? ':' : ` = ${show(value)}:`;
    const place = placeOf(option, typed, set) ?? file;
    return `${place === option.env ? `environment: ${place}` : place}: ${option.key}${shown} ${reason}`;
  };
  refuseAny([
    ...typed.problems,
    ...unknownVariables(set),
    ...findings(config).map(({ key, reason }) => problem(key, reason)),
  ]);
  const settings = toSettings((key) => config.get(key), {
    proxies: proxiesOf(env),
    service: readService(env),
  });
  refuseAny(findClashes(settings).map(({ key, reason }) => problem(key, reason)));
  const options = [...optionByKey.values()].map((option) => ({
    option,
    value: config.get(option.key),
    place: placeOf(option, typed, set),
  }));
  return { settings, options, files: typed.files };
}

function proxiesOf(env: Environment): Proxies {
  try {
    return readProxies(env);
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError([`environment: ${error.message}`]);
    throw error;
  }
}

function refuseAny([first, ...others]: readonly string[]): void {
  if (first !== undefined) throw new ConfigError([first, ...others]);
}

/** Reads convict's message: one line `key: reason: value was JSON` for each bad value. */
function findings(config: convict.Config<Values>): { key: string; reason: string }[] {
  try {
    config.validate({ allowed: 'strict' });
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.split('\n').map((line) => {
      const end = line.indexOf(': ');
      const key = line.slice(0, end);
      if (!optionByKey.has(key)) throw error;
      const value = `: value was ${JSON.stringify(config.get(key))}`;
      return { key, reason: line.slice(end + 2).replace(value, () => '') };
    });
  }
}

/** Checks only names within our sections. HALFPIPE_CONFIG and others are not options. */
function unknownVariables(env: Environment): string[] {
  const known = new Set([...optionByKey.values()].map((option) => option.env));
  const ours = new RegExp(`^HALFPIPE_(${Object.keys(schema).join('|').toUpperCase()})_`);
  return Object.keys(env)
    .filter((name) => ours.test(name) && !known.has(name))
    .map((name) => `environment: ${name} ${explainUnknownKey(name, known)}`);
}

function placeOf(option: Option<unknown>, typed: ConfigFile, env: Environment): string | undefined {
  return env[option.env] === undefined ? typed.values.get(option.key)?.place : option.env;
}

/** The value on one line, short, and without the password of a URL. */
function show(value: unknown): string {
  const text = JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value)
    .replace(/\/\/.*@/, '//***@')
    .replace(/[\x7f-\x9f\u2028\u2029\p{Cf}]/gu, '?');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

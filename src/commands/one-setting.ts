// Finds one setting for commands that need nothing else from the config. A mistake elsewhere in the
// file must not keep an operator from acting: the daemon still runs with its old settings.
import type { Writable } from 'node:stream';
import { ConfigError } from '../config/config-error.ts';
import { readConfig } from '../config/drop-ins.ts';
import { type Environment, loadSettings } from '../config/load.ts';
import type { Option } from '../config/option.ts';
import { schema } from '../config/schema.ts';
import type { Settings } from '../config/settings.ts';
import { printable } from '../system/printable.ts';

interface SettingContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stderr: Writable;
}

/** Resolves with `spool.path`, which has a default. Otherwise as findTokensFile(). */
export function findSpoolPath(context: SettingContext): Promise<string> {
  return find(context, schema.spool.path, ({ spool }) => spool.path);
}

/**
 * Resolves with `ingest.tokensFile`; undefined if it is not set. Prints one line if something else
 * is wrong with the config. Rejects with ConfigError if the setting itself cannot be found out.
 */
export function findTokensFile(context: SettingContext): Promise<string | undefined> {
  return find(context, schema.ingest.tokensFile, ({ ingest }) => ingest.tokensFile);
}

async function find<T>(
  { configFile, env, stderr }: SettingContext,
  option: Option<NonNullable<T>>,
  settingOf: (settings: Settings) => T,
): Promise<T> {
  try {
    return settingOf(await loadSettings(configFile, env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const setting = await settingAlone(configFile, env, option);
    if (setting === undefined) throw error;
    stderr.write(`halfpipe: the daemon could not start with this config: ${printable(error.message)}\n`);
    return setting;
  }
}

/** Undefined if the setting cannot be found out, or has neither value nor default. */
async function settingAlone<T>(
  configFile: string,
  env: Environment,
  option: Option<T>,
): Promise<T | undefined> {
  const { values } = await readConfig(configFile);
  try {
    return option.accepts(env[option.env] || (values.get(option.key)?.value ?? option.default));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

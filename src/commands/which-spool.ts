// Finds the spool for commands that need nothing else from the config. A mistake in the file must
// not keep an operator from asking the daemon, which still runs with its old settings.
import type { Writable } from 'node:stream';
import { ConfigError } from '../config/config-error.ts';
import { readConfigFile } from '../config/config-file.ts';
import { type Environment, loadSettings } from '../config/load.ts';
import { schema } from '../config/schema.ts';
import { printable } from '../system/printable.ts';

interface SpoolPathContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stderr: Writable;
}

/**
 * Prints one line if something else is wrong with the config. Rejects with ConfigError if the path
 * itself cannot be found out.
 */
export async function findSpoolPath({ configFile, env, stderr }: SpoolPathContext): Promise<string> {
  try {
    return (await loadSettings(configFile, env)).spool.path;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const path = await spoolPathAlone(configFile, env);
    if (path === undefined) throw error;
    stderr.write(`halfpipe: the daemon could not start with this config: ${printable(error.message)}\n`);
    return path;
  }
}

async function spoolPathAlone(configFile: string, env: Environment): Promise<string | undefined> {
  const { path } = schema.spool;
  const { values } = await readConfigFile(configFile);
  try {
    return path.accepts(env[path.env] || (values.get(path.key)?.value ?? path.default));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

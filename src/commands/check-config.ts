// `halfpipe check --config-only`: reads the config as the daemon would, and uses nothing else. The
// unit asks it before each reload, so that `systemctl reload` fails for a config that is refused.
import type { Writable } from 'node:stream';
import { ConfigError } from '../config/config-error.ts';
import { filesText } from '../config/drop-ins.ts';
import type { Environment } from '../config/load.ts';
import { createLogger } from '../log/log.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { ok, row } from './finding.ts';
import { logRefusal } from './reload-refusal.ts';
import { loadAsService } from './vetted-settings.ts';

export interface CheckConfigContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
}

/**
 * Resolves with 0 for a config that is accepted. Otherwise rejects with ConfigError; only when
 * systemd asks, during a reload, the log tells the problems, and this resolves with 78.
 */
export async function checkConfig({ configFile, env, stdout }: CheckConfigContext): Promise<ExitCode> {
  let files: readonly string[];
  try {
    ({ files } = await loadAsService(configFile, env));
  } catch (error) {
    if (!(error instanceof ConfigError) || !isReload(env)) throw error;
    const log = createLogger({ level: 'info', format: 'auto', env });
    logRefusal(log, error, configFile);
    await log.flush();
    return EXIT.badConfiguration;
  }
  // The journal has a line about each reload anyway.
  if (!isReload(env)) stdout.write(row('config', ok(filesText(files))));
  return EXIT.ok;
}

/** systemd sets MAINPID for ExecReload= only. */
function isReload(env: Environment): boolean {
  return env.INVOCATION_ID !== undefined && env.MAINPID !== undefined;
}

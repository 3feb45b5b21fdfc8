// `halfpipe run`: the daemon in the foreground, as systemd starts it.
import { ConfigError } from '../config/config-error.ts';
import { createLogger, type ProcessLogger } from '../log/log.ts';
import { SdNotifier, sendBySystemdNotify } from '../service/sd-notify.ts';
import { kernelMonotonicUsec, systemClock } from '../system/clock.ts';
import { redactorOf } from '../system/redact.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type RunContext, ServiceRun } from './service-run.ts';
import { strayRoot } from './stray-root.ts';
import { loadVettedConfig } from './vetted-settings.ts';

/**
 * Resolves with the exit code when the daemon has stopped. Rejects with ConfigError when it cannot
 * be configured, unless a service manager was told so.
 */
export async function run(context: RunContext): Promise<ExitCode> {
  const { configFile, env } = context;
  // The name in `systemctl status`, ps and top. Without this, Node.js 24 is called `MainThread`.
  process.title = 'halfpipe';
  const clock = systemClock;
  const redact = redactorOf(env);
  const send = sendBySystemdNotify(env.NOTIFY_SOCKET);
  const config = await loadVettedConfig(configFile, env).catch((error: unknown) => {
    if (send !== undefined && error instanceof ConfigError) return error;
    throw error;
  });
  if (config instanceof ConfigError) {
    const log = createLogger({ level: 'info', format: 'auto', env });
    return await refuseConfig(config, log, new SdNotifier({ send, clock, kernelMonotonicUsec, log, redact }));
  }
  const { settings } = config;
  const log = createLogger({ level: settings.log.level, format: settings.log.format, env });
  process.on('exit', () => log.writeBatch());
  const stray = strayRoot(settings.spool.path, configFile, env);
  if (stray !== undefined) {
    log.fatal({ event: 'cannotStart', problem: stray }, stray);
    await log.flush();
    return EXIT.failure;
  }
  const notifier = new SdNotifier({ send, clock, kernelMonotonicUsec, log, redact });
  return new ServiceRun(config, context, { log, notifier, redact }).run();
}

/**
 * Under a service manager, the reason goes where operators look: into the journal as an error, and
 * into the unit's status.
 */
async function refuseConfig(
  { problems }: ConfigError,
  log: ProcessLogger,
  notifier: SdNotifier,
): Promise<ExitCode> {
  for (const problem of problems) log.fatal({ event: 'badConfiguration', problem }, problem);
  await notifier.stopping(problems.join('; '));
  await log.flush();
  return EXIT.badConfiguration;
}

// `halfpipe run`: the daemon in the foreground, as systemd starts it.
import { ConfigError } from '../config/config-error.ts';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { Daemon } from '../daemon.ts';
import { thisHost } from '../host.ts';
import { CAPACITY_UNKNOWN } from '../link/capacity.ts';
import { createLogger, type ProcessLogger } from '../log/log.ts';
import type { Listener } from '../report/daemon-event.ts';
import { Reporter } from '../report/reporter.ts';
import { Health, watchdogMs } from '../service/health.ts';
import { SdNotifier, sendBySystemdNotify } from '../service/sd-notify.ts';
import { proxyOf } from '../stage-options.ts';
import { kernelMonotonicUsec, systemClock } from '../system/clock.ts';
import { errnoOf, explain, Fault } from '../system/fault.ts';
import { shownProxy, throughProxy } from '../system/proxies.ts';
import { redactorOf } from '../system/redact.ts';
import { unitStatus } from '../view/status-text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { strayRoot } from './stray-root.ts';
import { loadVettedSettings } from './vetted-settings.ts';

/** Extra time after the uploads have ended, to close files, release the lock and flush the log. */
const STOP_MARGIN_MS = 20_000;

export interface RunContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly version: string;
  /** Ends the process immediately. Called at the second signal. */
  readonly exitNow: (code: ExitCode) => void;
}

/**
 * Resolves with the exit code when the daemon has stopped. Rejects with ConfigError when it cannot
 * be configured, unless a service manager was told so.
 */
export async function run({ configFile, env, version, exitNow }: RunContext): Promise<ExitCode> {
  // The name in `systemctl status`, ps and top. Without this, Node.js 24 is called `MainThread`.
  process.title = 'halfpipe';
  const clock = systemClock;
  const redact = redactorOf(env);
  const send = sendBySystemdNotify(env.NOTIFY_SOCKET);
  const settings = await loadVettedSettings(configFile, env).catch((error: unknown) => {
    if (send !== undefined && error instanceof ConfigError) return error;
    throw error;
  });
  if (settings instanceof ConfigError) {
    const log = createLogger({ level: 'info', format: 'auto', env });
    return await refuseConfig(
      settings,
      log,
      new SdNotifier({ send, clock, kernelMonotonicUsec, log, redact }),
    );
  }
  const log = createLogger({ level: settings.log.level, format: settings.log.format, env });
  const stray = strayRoot(settings.spool.path, configFile, env);
  if (stray !== undefined) {
    log.fatal({ event: 'cannotStart', problem: stray }, stray);
    await log.flush();
    return EXIT.failure;
  }
  const notifier = new SdNotifier({ send, clock, kernelMonotonicUsec, log, redact });
  const ping = () => void notifier.watchdog();
  const health = new Health({ clock, watchdogMs: watchdogMs(env, process.pid), ping, log });
  const stopRequested = onStopSignal(exitNow);
  let onHopeless: (fault: Fault) => void = () => undefined;
  const hopeless = new Promise<Fault>((resolve) => {
    onHopeless = resolve;
  });
  const reporter = new Reporter(clock, log);
  const daemon = new Daemon(settings, {
    host: thisHost(env.UV_THREADPOOL_SIZE),
    ...{ version, redact, health, onHopeless },
    listeners: [reporter.hear, statusLine(notifier)],
  });
  let started: Promise<boolean> | undefined;
  let { stopTimeoutMs } = settings.upload;
  const reload = serially(async () => {
    // A start that fails ends the process, and the next start reads the config anyway.
    if (!(await started)) return;
    const reloaded = await reloadFrom(configFile, env, daemon, notifier, log);
    stopTimeoutMs = reloaded?.upload.stopTimeoutMs ?? stopTimeoutMs;
  });
  process.on('SIGHUP', reload);
  log.info(
    { event: 'starting', version, config: configFile },
    `halfpipe ${version} drains ${settings.spool.path}`,
  );
  try {
    const proxy = await proxyOf(settings);
    if (proxy !== undefined)
      log.info({ event: 'proxy', proxy: shownProxy(proxy), variable: proxy.variable }, throughProxy(proxy));
    const start = daemon.start();
    started = start.then(
      () => true,
      () => false,
    );
    await start;
  } catch (error) {
    return await refuse(error, log, notifier);
  }
  health.start();
  const status = () => unitStatus(daemon.snapshot());
  await notifier.ready(status());
  const { waitingFor } = daemon.snapshot();
  log.info({ event: 'ready', waitingFor }, waitingFor === null ? 'ready' : 'ready, but draining is paused');

  const signal = await Promise.race([stopRequested, hopeless]);
  if (signal instanceof Fault) {
    await daemon.stop();
    reporter.stop();
    return await refuse(signal, log, notifier);
  }
  log.info({ event: 'stopping', signal }, `${signal}: finishing the uploads in flight`);
  await notifier.stopping('finishing the uploads in flight');
  // Otherwise a stop timeout longer than the unit's TimeoutStopSec= would end in SIGKILL.
  await notifier.extendTimeout(stopTimeoutMs + STOP_MARGIN_MS);
  await daemon.stop();
  reporter.stop();
  health.stop();
  log.info({ event: 'stopped' }, 'stopped');
  await log.flush();
  return EXIT.ok;
}

async function reloadFrom(
  configFile: string,
  env: Environment,
  daemon: Daemon,
  notifier: SdNotifier,
  log: ProcessLogger,
): Promise<Settings | undefined> {
  await notifier.reloading();
  let settings: Settings | undefined;
  try {
    const wanted = await loadVettedSettings(configFile, env);
    await daemon.reload(wanted);
    log.level = wanted.log.level;
    settings = wanted;
    notifier.remark('');
  } catch (error) {
    // Any error: a reload never ends the process.
    const problems = problemsOf(error, configFile);
    const fault = error instanceof ConfigError ? {} : { fault: error };
    for (const problem of problems)
      log.error(
        { event: 'reloadRefused', problem, ...fault },
        `reload refused, the old settings stay: ${problem}`,
      );
    // `systemctl reload` itself cannot fail, because it only sends the signal.
    notifier.remark(`the last reload was refused: ${problems[0]}`);
  }
  await notifier.ready(unitStatus(daemon.snapshot()));
  return settings;
}

function problemsOf(error: unknown, configFile: string): readonly string[] {
  if (!(error instanceof ConfigError)) return [explain(error)];
  if (errnoOf(error.cause) !== 'ENOENT') return error.problems;
  return [`${configFile}: no such file: put it back, then reload again`];
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

async function refuse(error: unknown, log: ProcessLogger, notifier: SdNotifier): Promise<ExitCode> {
  if (!(error instanceof Fault)) throw error;
  log.fatal({ event: 'cannotStart', fault: error }, `cannot start: ${explain(error)}`);
  await notifier.stopping(`cannot start: ${explain(error)}`);
  await log.flush();
  return error.code === CAPACITY_UNKNOWN ? EXIT.badConfiguration : EXIT.failure;
}

/** Keeps the line in `systemctl status` up to date. */
function statusLine(notifier: SdNotifier): Listener {
  return (event) => {
    if (event.kind === 'state') void notifier.status(unitStatus(event.snapshot));
  };
}

/** Resolves with the first SIGTERM or SIGINT. A second one ends the process at once. */
function onStopSignal(exitNow: (code: ExitCode) => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (signal: NodeJS.Signals): void => {
      if (asked) exitNow(EXIT.failure);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
  });
}

/** Calls run one after another. All calls that come during a run lead to one more run. */
function serially(task: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const loop = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await task();
    } while (again);
    running = false;
  };
  return () => void loop();
}

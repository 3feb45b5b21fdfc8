// The life of the process behind `halfpipe run`: its start, signals, reloads and its exit code.
import type { Environment, LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { originsOf } from '../config/shown-options.ts';
import { Daemon } from '../daemon.ts';
import { thisHost } from '../host.ts';
import { CAPACITY_UNKNOWN } from '../link/capacity.ts';
import type { ProcessLogger } from '../log/log.ts';
import type { Listener } from '../report/daemon-event.ts';
import { Reporter } from '../report/reporter.ts';
import { isAutomaticRestart } from '../service/automatic-restart.ts';
import { Health, watchdogMs } from '../service/health.ts';
import type { SdNotifier } from '../service/sd-notify.ts';
import { handedSocket, socketAt } from '../service/socket-activation.ts';
import { SpareMemory } from '../service/spare-memory.ts';
import { proxyOf } from '../stage-options.ts';
import { systemClock } from '../system/clock.ts';
import { explain, Fault } from '../system/fault.ts';
import { shownProxy, throughProxy } from '../system/proxies.ts';
import type { Redact } from '../system/redact.ts';
import { unitStatus } from '../view/status-text.ts';
import { ConfigInForce } from './config-in-force.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { startPatiently } from './patient-start.ts';
import { logRefusal } from './reload-refusal.ts';
import { loadVettedConfig } from './vetted-settings.ts';

/** Extra time after the uploads have ended, to close files, release the lock and flush the log. */
const STOP_MARGIN_MS = 20_000;

export interface RunContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly version: string;
  /** Ends the process immediately. Called at the second signal. */
  readonly exitNow: (code: ExitCode) => void;
}

interface RunPorts {
  readonly log: ProcessLogger;
  readonly notifier: SdNotifier;
  readonly redact: Redact;
}

/**
 * Runs one daemon, once. SIGHUP reloads its config, SIGTERM and SIGINT stop it. The log and the
 * service manager are told of each.
 */
export class ServiceRun {
  readonly #context: RunContext;
  readonly #config: ConfigInForce;
  readonly #settings: Settings;
  readonly #log: ProcessLogger;
  readonly #notifier: SdNotifier;
  readonly #health: Health;
  readonly #reporter: Reporter;
  readonly #daemon: Daemon;
  #stopTimeoutMs: number;
  #onHopeless: (fault: Fault) => void = () => undefined;
  readonly #hopeless = new Promise<Fault>((resolve) => {
    this.#onHopeless = resolve;
  });

  constructor(config: LoadedConfig, context: RunContext, { log, notifier, redact }: RunPorts) {
    const { settings } = config;
    const { env, version } = context;
    this.#context = context;
    this.#config = new ConfigInForce(config);
    this.#settings = settings;
    this.#log = log;
    this.#notifier = notifier;
    this.#stopTimeoutMs = settings.upload.stopTimeoutMs;
    const ping = () => void notifier.watchdog();
    const clock = systemClock;
    this.#health = new Health({ clock, watchdogMs: watchdogMs(env, process.pid), ping, log });
    this.#reporter = new Reporter(clock, log);
    this.#daemon = new Daemon(settings, {
      host: thisHost(env.UV_THREADPOOL_SIZE, socketOf(env)),
      version,
      redact,
      shownOptions: () => this.#config.shownOptions(),
      health: this.#health,
      onHopeless: (fault) => this.#onHopeless(fault),
      listeners: [this.#reporter.hear, statusLine(notifier), this.#watchMemory()],
    });
  }

  /**
   * Resolves with the exit code when the daemon has stopped. Rejects with what is not a Fault, if
   * the start fails with it.
   */
  async run(): Promise<ExitCode> {
    const stopRequested = onStopSignal(this.#context.exitNow);
    try {
      if ((await this.#start(stopRequested)) === 'interrupted') return await this.#giveUp(stopRequested);
    } catch (error) {
      return await this.#refuse(error);
    }
    const signal = await Promise.race([stopRequested, this.#hopeless]);
    if (!(signal instanceof Fault)) return await this.#stop(signal);
    await this.#daemon.stop();
    this.#reporter.stop();
    return await this.#refuse(signal);
  }

  async #start(stopRequested: Promise<unknown>): Promise<'started' | 'interrupted'> {
    const { version } = this.#context;
    const [config, ...dropIns] = this.#config.files;
    let started: Promise<boolean> | undefined;
    const waiting = new AbortController();
    const interrupt = () => waiting.abort();
    const reload = serially(async () => {
      // While the start is waiting, another process is to read the config.
      if (await started) await this.#reload();
      else interrupt();
    });
    process.on('SIGHUP', reload);
    void stopRequested.then(interrupt);
    this.#log.info(
      { event: 'starting', version, config, ...(dropIns.length === 0 ? {} : { dropIns }) },
      `halfpipe ${version} drains ${this.#settings.spool.path}`,
    );
    const proxy = await proxyOf(this.#settings);
    if (proxy !== undefined) {
      const fields = { event: 'proxy', proxy: shownProxy(proxy), variable: proxy.variable };
      this.#log.info(fields, throughProxy(proxy));
    }
    const attempt = () => {
      const start = this.#daemon.start();
      started = start.then(
        () => true,
        () => false,
      );
      return start;
    };
    const outcome = await startPatiently(attempt, {
      ...{ clock: systemClock, log: this.#log, notifier: this.#notifier, interrupted: waiting.signal },
      mayWait: () => this.#mayWait(),
    });
    if (outcome === 'interrupted') return outcome;
    this.#health.start();
    await this.#notifier.ready(this.#status());
    const { waitingFor } = this.#daemon.snapshot();
    const text = waitingFor === null ? 'ready' : 'ready, but draining is paused';
    this.#log.info({ event: 'ready', waitingFor }, text);
    return outcome;
  }

  /**
   * A start that an operator waits for fails at once, with its reason. One by which systemd repeats
   * a failed start waits.
   */
  async #mayWait(): Promise<boolean> {
    const { isManaged, unit } = this.#settings.service;
    return isManaged && (await isAutomaticRestart(unit, this.#context.env.PATH));
  }

  /** The start has waited until a signal came: to stop, or to read the config again. */
  async #giveUp(stopRequested: Promise<NodeJS.Signals>): Promise<ExitCode> {
    const signal = await Promise.race([stopRequested, Promise.resolve('SIGHUP')]);
    const isOver = signal !== 'SIGHUP';
    const text = isOver ? 'stopped' : 'SIGHUP: another start reads the config';
    this.#log.info({ event: 'stopped', signal }, text);
    await this.#notifier.stopping(text);
    await this.#log.flush();
    return isOver ? EXIT.ok : EXIT.failure;
  }

  async #stop(signal: NodeJS.Signals): Promise<ExitCode> {
    this.#log.info({ event: 'stopping', signal }, `${signal}: finishing the uploads in flight`);
    await this.#notifier.stopping('finishing the uploads in flight');
    // Otherwise a stop timeout longer than the unit's TimeoutStopSec= would end in SIGKILL.
    await this.#notifier.extendTimeout(this.#stopTimeoutMs + STOP_MARGIN_MS);
    await this.#daemon.stop();
    this.#reporter.stop();
    this.#health.stop();
    this.#log.info({ event: 'stopped' }, 'stopped');
    await this.#log.flush();
    return EXIT.ok;
  }

  /** Never rejects: a reload never ends the process. */
  async #reload(): Promise<void> {
    const { configFile, env } = this.#context;
    await this.#notifier.reloading();
    try {
      const config = await loadVettedConfig(configFile, env);
      const { settings, files } = config;
      await this.#apply(settings, originsOf(config.options));
      const change = this.#config.replace(config);
      if (change !== undefined) this.#log.info({ event: 'configFiles', files }, `config: ${change}`);
      this.#stopTimeoutMs = settings.upload.stopTimeoutMs;
      this.#notifier.remark('');
    } catch (error) {
      const problem = logRefusal(this.#log, error, configFile);
      this.#daemon.refuseReload(problem);
      // The sender of the signal does not learn of it.
      this.#notifier.remark(`the last reload was refused: ${problem}`);
    }
    await this.#notifier.ready(this.#status());
  }

  /** The new level holds for the lines of the reload itself. */
  async #apply(settings: Settings, origins: ReadonlyMap<string, string>): Promise<void> {
    const { level } = this.#log;
    this.#log.level = settings.log.level;
    try {
      await this.#daemon.reload(settings, origins);
    } catch (error) {
      this.#log.level = level;
      throw error;
    }
  }

  async #refuse(error: unknown): Promise<ExitCode> {
    if (!(error instanceof Fault)) throw error;
    const text = `cannot start: ${explain(error)}`;
    this.#log.fatal({ event: 'cannotStart', fault: error }, text);
    await this.#notifier.stopping(text);
    await this.#log.flush();
    return error.code === CAPACITY_UNKNOWN ? EXIT.badConfiguration : EXIT.failure;
  }

  #watchMemory(): Listener {
    const spare = new SpareMemory(() => this.#daemon.giveMemoryBack(), process.memoryUsage.rss);
    return (event) => {
      if (event.kind !== 'state') return;
      const { uploads, totals } = event.snapshot;
      spare.look({ active: uploads.active, sent: totals.uploadedFiles });
    };
  }

  #status(): string {
    return unitStatus(this.#daemon.snapshot());
  }
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

function socketOf(env: Environment) {
  const fd = handedSocket(env, process.pid);
  return fd === undefined ? undefined : socketAt(fd);
}

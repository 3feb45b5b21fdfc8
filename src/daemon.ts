// The composition root: builds every stage from the settings, starts them along the flow and stops
// them in reverse. Only this file, settings-of and main see the settings; each stage gets its own
// small options.

import { Backlog } from './backlog/backlog.ts';
import { scanned } from './backlog/scanner.ts';
import { changedKeys } from './config/changes.ts';
import type { Settings } from './config/settings.ts';
import { Breaker } from './drain/breaker.ts';
import { Drain } from './drain/drain.ts';
import { Sweep } from './drain/sweep.ts';
import type { Logger } from './log/log.ts';
import type { ShaperActivity } from './pace/shaper.ts';
import { Counters } from './report/counters.ts';
import { linkReports } from './report/link-reports.ts';
import { PeriodicReport } from './report/periodic-report.ts';
import { Reporter } from './report/reporter.ts';
import { Statistics } from './report/statistics.ts';
import type { Health } from './service/health.ts';
import type { SdNotifier } from './service/sd-notify.ts';
import { Supervision } from './service/supervision.ts';
import { EmptyFolders } from './spool/empty-folders.ts';
import { LateLook } from './spool/late-look.ts';
import { OpenWriters } from './spool/open-writers.ts';
import { SpoolDirectory } from './spool/spool-directory.ts';
import { SPOOL_GONE } from './spool/spool-fault.ts';
import { SpoolKeeper } from './spool/spool-keeper.ts';
import { backlogOptionsOf, drainOptionsOf, sendingOptionsOf, storeOptionsOf } from './stage-options.ts';
import { S3Store } from './store/s3/s3-store.ts';
import { atMost } from './system/at-most.ts';
import type { Clock } from './system/clock.ts';
import type { Fault } from './system/fault.ts';
import type { Redact } from './system/redact.ts';
import { Stops } from './system/stops.ts';
import { Sender } from './thread/sender.ts';
import { serveControl } from './view/control.ts';
import type { Snapshot } from './view/snapshot.ts';

export interface DaemonPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly redact: Redact;
  readonly notifier: SdNotifier;
  readonly health: Health;
  readonly version: string;
  readonly uvThreadpoolSize: string | undefined;
  /**
   * Only another config leads to a link: to be stopped. Until `start` resolves, it rejects instead.
   */
  readonly onHopeless: (fault: Fault) => void;
}

/** How long `start` waits for the store's first answer before it reports ready without one. */
const FIRST_ANSWER_MS = 5_000;

interface Stages {
  /** The store of new uploads; a reload may replace it. */
  store: S3Store;
  readonly link: Sender;
  readonly backlog: Backlog;
  readonly drain: Drain;
  readonly statistics: Statistics;
}

export class Daemon {
  readonly #ports: DaemonPorts;
  readonly #stops = new Stops();
  readonly #counters = new Counters();
  readonly #reporter: Reporter;
  readonly #breaker: Breaker;
  readonly #supervision: Supervision;
  #settings: Settings;
  #stages: Stages | undefined;
  #stopping = false;

  constructor(settings: Settings, ports: DaemonPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#breaker = new Breaker(settings.retry.probeMs);
    const pace = () => ({ ...this.#settings.link, ...this.#settings.upload });
    this.#supervision = new Supervision(ports.health, pace);
    this.#reporter = new Reporter(ports.clock, ports.log, this.#counters);
  }

  /**
   * Resolves when the spool is being drained, or would be but for the store, which is then tried
   * again and again. Rejects with a Fault when spool or link cannot be used; what was started is
   * stopped again.
   */
  async start(): Promise<void> {
    try {
      await this.#startStages();
    } catch (error) {
      await this.#stops.run();
      throw error;
    }
  }

  /**
   * New settings, in force for everything but uploads in flight. Rejects, changing nothing, when
   * they lead to no link.
   */
  async reload(settings: Settings): Promise<void> {
    const stages = this.#running();
    const changed = changedKeys(this.#settings, settings);
    const touches = (...sections: string[]) =>
      changed.some(({ key }) => sections.some((name) => key.startsWith(name)));
    // First what can be refused; then what people wait for.
    if (touches('link.', 's3.', 'upload.')) await stages.link.reconfigure(await sendingOptionsOf(settings));
    const { spool, log } = this.#settings;
    this.#settings = {
      ...settings,
      spool: { ...settings.spool, path: spool.path },
      log: { ...settings.log, format: log.format },
    };
    this.#ports.log.level = settings.log.level;
    this.#breaker.setProbeInterval(settings.retry.probeMs);
    if (touches('spool.')) stages.backlog.setOptions(backlogOptionsOf(settings));
    // The operator may have put right what a file waits for, a permission say.
    stages.backlog.retryDeferred();
    this.#renewStore(stages, touches('s3.', 'upload.'));
    this.#reporter.onReloaded(changed);
  }

  /** Resolves when nothing is in flight any more and the spool is free for the next instance. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#stops.run();
    this.#reporter.stop();
  }

  snapshot(): Snapshot {
    return this.#running().statistics.snapshot();
  }

  async #startStages(): Promise<void> {
    const { clock, uvThreadpoolSize: threads } = this.#ports;
    const settings = this.#settings;
    const writers = new OpenWriters({ clock, onChange: this.#reporter.onWriters });
    this.#stops.push(() => writers.stop());
    const lateLook = new LateLook({ clock, onLate: this.#reporter.onLate });
    const spool = await SpoolDirectory.open(settings.spool.path, {
      ...{ threads, writers, lateLook, clock },
      newestStays: () => this.#settings.s3.conflict === 'overwrite',
      onSuperseded: this.#reporter.onSuperseded,
      onAsideStep: this.#reporter.debug.onAsideStep,
    });
    this.#stops.push(() => spool.close());
    const keeper = this.#stops.held(this.#createKeeper(spool), (it) => it.stop());
    this.#reporter.onRecovered(await keeper.start());
    const reports = linkReports(this.#ports.log);
    const link = new Sender(clock, await sendingOptionsOf(settings), {
      ...reports,
      onChange: (identity) => {
        reports.onChange(identity);
        drain.start();
      },
      onHopeless: this.#ports.onHopeless,
      onNetworkChange: () => drain.retryNow(),
      onWaitingTurn: () => this.#supervision.turned(true),
      onReport: (activity, elapsedMs) => this.#onReport(activity, elapsedMs),
      onAlive: this.#supervision.moved,
    });
    this.#stops.push(() => link.stop());
    const backlog = new Backlog({
      spool: scanned(spool),
      clock,
      options: backlogOptionsOf(settings),
      onWork: () => drain.pump(),
      onScanned: this.#reporter.debug.onScanned,
      onReport: (report) => {
        this.#reporter.onBacklogReport(report);
        if (report.kind === 'scan-failed' && report.fault.code === SPOOL_GONE) keeper.lost();
      },
    });
    const store = this.#createStore(link);
    const drain = new Drain(
      {
        ...{ clock, spool, backlog, random: Math.random },
        breaker: this.#breaker,
        events: this.#reporter,
        onRead: this.#supervision.moved,
        onRemoved: ({ path }) => {
          if (this.#settings.spool.pruneEmptyDirs) emptyFolders.fileRemoved(path);
        },
        rateBytesPerSec: () => link.limits.targetBytesPerSec,
      },
      store,
      drainOptionsOf(settings),
    );
    const statistics = new Statistics({
      ...{ version: this.#ports.version, unit: settings.service.unit },
      ...{ clock, backlog, drain, link, counters: this.#counters },
      waitingFor: () => link.waitingFor?.message ?? this.#breaker.reason ?? backlog.view().fault?.message,
      countQuarantined: () => spool.quarantinedCount(),
      isStopping: () => this.#stopping,
    });
    await statistics.countQuarantined();
    const emptyFolders = new EmptyFolders({
      spool,
      clock,
      quietMs: settings.spool.settleMs,
      onFault: (fault) => this.#reporter.onFault('prune empty folders', fault),
    });
    this.#stages = { store, link, backlog, drain, statistics };

    this.#stops.push(() => this.#stopDrain(drain));
    await link.start();
    for (const stage of [statistics, emptyFolders, backlog, this.#supervision]) {
      stage.start();
      this.#stops.push(() => stage.stop());
    }
    const report = new PeriodicReport(clock, this.#ports.notifier, this.#reporter, () => this.snapshot());
    this.#stops.held(report, (it) => it.stop()).start();
    if (link.waitingFor === undefined) await atMost(FIRST_ANSWER_MS, drain.firstAnswer, clock);
    const sweep = new Sweep({ spool, drain, clock, events: this.#reporter });
    this.#stops.held(sweep, (it) => it.stop()).start();
  }

  /**
   * Credentials are read anew in any case. A store that is replaced closes once its last upload has
   * ended.
   */
  #renewStore(stages: Stages, replace: boolean): void {
    if (replace) {
      stages.store.close();
      stages.store = this.#createStore(stages.link);
    } else stages.store.refreshCredentials();
    stages.drain.reconfigure(stages.store, drainOptionsOf(this.#settings));
  }

  #createKeeper(spool: SpoolDirectory): SpoolKeeper {
    const { clock, redact } = this.#ports;
    const snapshot = () => this.#stages?.statistics.snapshot();
    return new SpoolKeeper({
      ...{ spool, clock },
      serve: (socket) => serveControl(socket, { snapshot, redact }),
      onReattached: () => {
        this.#running().backlog.hint();
        this.#reporter.onReattached();
      },
      onRecovered: (recovery) => this.#reporter.onRecovered(recovery),
      onFault: (operation, fault) => this.#reporter.onFault(operation, fault),
    });
  }

  #createStore(link: Sender): S3Store {
    const { onNotice, debug: trace } = this.#reporter;
    return new S3Store(storeOptionsOf(this.#settings, link, this.#ports.clock, { onNotice, trace }));
  }

  async #stopDrain(drain: Drain): Promise<void> {
    await drain.stop(this.#settings.upload.stopTimeoutMs);
    this.#running().store.close();
  }

  #onReport(activity: ShaperActivity, elapsedMs: number): void {
    const { drain, statistics, link } = this.#running();
    statistics.sent(activity.admittedBytes);
    this.#reporter.debug.onReport(activity, elapsedMs, link.pace, drain);
    drain.observe(activity, elapsedMs);
    this.#supervision.turned(activity.admittedBytes > 0 || drain.active === 0);
  }

  #running(): Stages {
    if (this.#stages === undefined) throw new Error('the daemon has not been started');
    return this.#stages;
  }
}

// The life of the daemon. assembly says what its stages are built from.

import { type AssemblyPorts, assemble, createStore, destinationOf, type Stages } from './assembly.ts';
import { type ChangedKey, changedKeys } from './config/changes.ts';
import type { Settings } from './config/settings.ts';
import type { ShownOption } from './config/shown-options.ts';
import type { Obeyed, Order } from './control/order.ts';
import type { Host } from './host.ts';
import type { BacklogSize } from './ingest/ingest-options.ts';
import { Ingestion } from './ingest/ingestion.ts';
import { Observation } from './observe/observation.ts';
import { Counters } from './report/counters.ts';
import type { DaemonEvent, Listener } from './report/daemon-event.ts';
import { IngestBook } from './report/ingest-book.ts';
import { RecentFiles } from './report/recent-files.ts';
import { Remarks } from './report/remarks.ts';
import type { Health } from './service/health.ts';
import { ProgressWatch } from './service/progress-watch.ts';
import {
  allowanceOf,
  backlogOptionsOf,
  drainOptionsOf,
  manifestOptionsOf,
  packetsOptionsOf,
  steeredSettings,
} from './stage-options.ts';
import { atMost } from './system/at-most.ts';
import type { Fault } from './system/fault.ts';
import { releaseGarbage } from './system/garbage.ts';
import type { Prepared } from './system/prepared.ts';
import type { Redact } from './system/redact.ts';
import { Repeat } from './system/repeat.ts';
import { Stops } from './system/stops.ts';
import type { FileListName, FileListView } from './view/file-list.ts';
import type { HistoryView } from './view/history-view.ts';
import type { Snapshot } from './view/snapshot.ts';

export interface DaemonPorts {
  readonly host: Host;
  readonly version: string;
  /** Cleans what the control socket shows. */
  readonly redact: Redact;
  /** The settings in force, for people. */
  readonly shownOptions: () => readonly ShownOption[];
  readonly health: Health;
  /** Each listener receives every event. */
  readonly listeners: readonly Listener[];
  /**
   * Called when only another config leads to a link, so that the daemon should be stopped. Before
   * start() has resolved, start() rejects instead.
   */
  readonly onHopeless: (fault: Fault) => void;
}

/** How long start() waits for the store's first answer before it resolves without one. */
const FIRST_ANSWER_MS = 5_000;
/** The state that systemctl shows is not older than this. */
const STATE_MS = 2_000;

/**
 * Starts the stages in the order of the flow, reloads them, and stops them in reverse order.
 * reload() and snapshot() may be called only after start() has resolved.
 */
export class Daemon {
  readonly #ports: DaemonPorts;
  readonly #assembly: AssemblyPorts;
  readonly #stops = new Stops();
  readonly #progress: ProgressWatch;
  readonly #observation: Observation;
  readonly #ingestion: Ingestion;
  #settings: Settings;
  #stages: Stages | undefined;
  #stopping = false;

  constructor(settings: Settings, ports: DaemonPorts) {
    this.#settings = settings;
    this.#ports = ports;
    const counters = new Counters();
    const remarks = new Remarks(ports.host.clock);
    const recent = new RecentFiles(ports.host.clock);
    const ingestBook = new IngestBook(ports.host.clock);
    const own = [counters, remarks, recent, ingestBook].map(({ hear }) => hear);
    const listeners = [...own, ...ports.listeners];
    this.#progress = new ProgressWatch(ports.health, () => ({
      ...this.#settings.link,
      ...this.#settings.upload,
    }));
    this.#observation = new Observation({
      ...ports,
      clock: ports.host.clock,
      snapshot: () => this.snapshot(),
      list: (name, limit) => this.list(name, limit),
      history: (agoMs) => this.#running().statistics.history(agoMs),
      onEvent: (event) => this.#tell(event),
    });
    this.#ingestion = new Ingestion({
      clock: ports.host.clock,
      startWorker: (workerPorts) => ports.host.startIngest(workerPorts),
      backlog: () => this.#backlogSize(),
      onEvent: (event) => this.#tell(event),
    });
    this.#assembly = {
      ...ports,
      counters,
      remarks,
      recent,
      ingestBook,
      progress: this.#progress,
      settings: () => this.#settings,
      isStopping: () => this.#stopping,
      daemon: () => (this.#stages === undefined ? undefined : this),
      onEvent: (event) => {
        for (const hear of listeners) hear(event);
      },
    };
  }

  /**
   * Resolves when the spool is being drained, or would be if the store worked; the store is then
   * tried again and again. Rejects with a Fault when the spool or the link cannot be used; what was
   * started is stopped again.
   */
  async start(): Promise<void> {
    try {
      await this.#startStages();
    } catch (error) {
      await this.#stops.run();
      this.#stages = undefined;
      throw error;
    }
  }

  /**
   * Puts new settings in force for everything except uploads in flight. Rejects with a Fault and
   * changes nothing when they lead to no link. `origins` says where each key's value stands.
   */
  async reload(settings: Settings, origins?: ReadonlyMap<string, string>): Promise<void> {
    const stages = this.#running();
    const changed = changedKeys(this.#settings, settings, origins);
    const touches = (...sections: string[]) =>
      changed.some(({ key }) => sections.some((name) => key.startsWith(name)));
    const isOfShare = ({ key }: ChangedKey) => /^link\.(share|floor|timetable)$/.test(key);
    const steered = steeredSettings(settings, stages.steering);
    const { spool, log } = this.#settings;
    const inForce: Settings = {
      ...settings,
      spool: { ...settings.spool, path: spool.path },
      log: { ...settings.log, format: log.format },
    };
    // First the steps that can be refused, then the steps that take effect.
    const prepared: Prepared[] = [];
    try {
      prepared.push(await this.#observation.prepare(settings.observe));
      prepared.push(await this.#ingestion.prepare(this.#ports.host.ingestOptions(inForce)));
      prepared.push(await stages.manifest.prepare(manifestOptionsOf(inForce)));
      if (changed.some((change) => /^(link|s3|upload)\./.test(change.key) && !isOfShare(change)))
        await stages.sender.reconfigure(await this.#ports.host.sendingOptions(steered));
    } catch (error) {
      for (const { discard } of prepared.reverse())
        await discard().catch((failure: unknown) =>
          this.#tell({ kind: 'fault', operation: 'go back to the old settings', error: failure }),
        );
      throw error;
    }
    for (const { commit } of prepared) await commit();
    this.#settings = inForce;
    stages.steering.setSettings(settings.link);
    // The share may have changed while the link was looked up.
    if (touches('link.', 's3.', 'upload.'))
      stages.sender.allow(allowanceOf(steeredSettings(inForce, stages.steering)));
    if (touches('spool.')) stages.backlog.setOptions(backlogOptionsOf(settings));
    // The operator may have mended what a file waits for, for example a permission.
    stages.backlog.retryDeferred();
    stages.packets.tryAgain();
    // No packet for the old place may go to the new store.
    const repacked = touches('s3.', 'packets.') && stages.packets.reconfigure(packetsOptionsOf(inForce));
    this.#renewStore(stages, touches('s3.', 'upload.'));
    await repacked;
    this.#tell({ kind: 'reloaded', changed });
  }

  /** The config is wrong, so the old settings stay. */
  refuseReload(problem: string): void {
    this.#tell({ kind: 'reloadRefused', problem });
  }

  /** Resolves when nothing is in flight and the spool is free for the next instance. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#stops.run();
  }

  snapshot(): Snapshot {
    return this.#running().statistics.snapshot();
  }

  /** Blocks both threads for about 0.1 s, so call it when there is nothing to do. */
  giveMemoryBack(): void {
    const { drain, sender } = this.#running();
    drain.forgetMemory();
    sender.rest();
    releaseGarbage();
  }

  /** The last `agoMs`; see History. */
  history(agoMs: number): HistoryView {
    return this.#running().statistics.history(agoMs);
  }

  /** See FileLists. */
  list(name: FileListName, limit: number): Promise<FileListView> {
    return this.#running().lists.of(name, limit);
  }

  /** See Obedience. */
  obey(order: Order): Promise<Obeyed> {
    return this.#running().obedience.obey(order);
  }

  async #startStages(): Promise<void> {
    const stages = await assemble(this.#assembly, this.#stops);
    const { steering, sender, backlog, packets, drain, emptyFolders, statistics, sweep } = stages;
    await statistics.countQuarantined();
    await packets.recover();
    this.#stages = stages;
    this.#stops.push(() => this.#observation.stop());
    await this.#observation.start(this.#settings.observe);
    this.#stops.push(() => this.#stopDrain(stages));
    await sender.start();
    for (const stage of [steering, statistics, emptyFolders, backlog, this.#progress]) {
      stage.start();
      this.#stops.push(() => stage.stop());
    }
    this.#stops.push(() => this.#ingestion.stop());
    await this.#ingestion.start(this.#ports.host.ingestOptions(this.#settings));
    const { clock } = this.#ports.host;
    const tellState = () => this.#tell({ kind: 'state', snapshot: this.snapshot() });
    this.#stops.held(new Repeat(clock, tellState, STATE_MS), (it) => it.stop()).startNow();
    const asksStore = sender.waitingFor === undefined && steering.now.paused === null;
    if (asksStore) await atMost(FIRST_ANSWER_MS, drain.firstAnswer, clock);
    sweep.start();
    this.#stops.push(() => sweep.stop());
  }

  /**
   * In any case, credentials are read again. A replaced store closes when its last upload has
   * ended.
   */
  #renewStore(stages: Stages, replace: boolean): void {
    if (replace) {
      stages.store.close();
      stages.store = createStore(this.#assembly, stages.sender);
    } else stages.store.refreshCredentials();
    stages.drain.reconfigure(destinationOf(this.#assembly, stages.store), drainOptionsOf(this.#settings));
  }

  #backlogSize(): BacklogSize {
    const { files, bytes, oldestModifiedAtMs, scans } = this.#running().backlog.view();
    const oldestAgeMs =
      oldestModifiedAtMs === null ? undefined : this.#ports.host.clock.wallMs() - oldestModifiedAtMs;
    return { files, bytes, oldestAgeMs, scans };
  }

  async #stopDrain(stages: Stages): Promise<void> {
    await stages.packets.stop();
    await stages.drain.stop(this.#settings.upload.stopTimeoutMs);
    stages.store.close();
    await this.#ports.host.stopDigests?.();
  }

  #tell(event: DaemonEvent): void {
    this.#assembly.onEvent(event);
  }

  #running(): Stages {
    if (this.#stages === undefined) throw new Error('the daemon has not been started');
    return this.#stages;
  }
}

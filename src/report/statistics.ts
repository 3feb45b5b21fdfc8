// Makes the snapshot from what the stages know, and keeps the flow rates over time.

import type { Backlog } from '../backlog/backlog.ts';
import type { Drain } from '../drain/drain.ts';
import type { WaitingFiles } from '../drain/drain-ports.ts';
import type { FailureReason } from '../drain/failed-files.ts';
import { History } from '../outlook/history.ts';
import { Outlook } from '../outlook/outlook.ts';
import type { ShareStep } from '../outlook/tempo.ts';
import type { Packets } from '../packets/packets.ts';
import type { SealedPacket } from '../packets/sealed-packets.ts';
import type { Steering } from '../steer/steering.ts';
import type { Clock } from '../system/clock.ts';
import { explain, withoutHint } from '../system/fault.ts';
import { Repeat } from '../system/repeat.ts';
import type { BacklogView, ForecastView, WaitingView } from '../view/backlog-view.ts';
import type { HistoryView } from '../view/history-view.ts';
import type { PacketsView } from '../view/packets-view.ts';
import type { ProblemView } from '../view/problem-view.ts';
import type { DaemonState, LinkView, Snapshot } from '../view/snapshot.ts';
import type { Counters } from './counters.ts';
import type { FileLists } from './file-lists.ts';
import { FlowGauge, type FreeSpace } from './flow-gauge.ts';
import type { IngestBook } from './ingest-book.ts';
import { type LinkFacts, linkView } from './link-view.ts';
import { ProblemBook } from './problem-book.ts';
import { findProblems, type Standstill } from './problems.ts';
import type { RecentFiles } from './recent-files.ts';
import type { Remarks } from './remarks.ts';

export interface StatisticsPorts {
  readonly version: string;
  readonly unit: string;
  /** The path of the spool. */
  readonly spoolPath: string;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly backlog: Pick<Backlog, 'view'>;
  readonly drain: Pick<Drain, 'active' | 'failureOf' | 'sending' | 'waiting'> & {
    readonly uploadLimit: Pick<Drain['uploadLimit'], 'current'>;
  };
  readonly lists: Pick<FileLists, 'sending'>;
  readonly recent: Pick<RecentFiles, 'uploads' | 'failures'>;
  readonly steering: Pick<Steering, 'now'>;
  readonly link: LinkFacts;
  readonly remarks: Pick<
    Remarks,
    'refusedReload' | 'restingPacking' | 'unkeptOrder' | 'unobserved' | 'unsaved'
  >;
  readonly packets: Pick<Packets, 'gathered' | 'isOn'> & {
    readonly packets: Iterable<Pick<SealedPacket, 'left'>>;
  };
  readonly ingest: Pick<IngestBook, 'troubles' | 'view'>;
  /** Why the drain stands still; undefined if it does not. */
  readonly standstill: () => Standstill | undefined;
  readonly isStopping: () => boolean;
  /** How many files are in quarantine, from this run and earlier ones. */
  readonly countQuarantined: () => Promise<number>;
  /** What the spool's file system still takes. */
  readonly freeSpace: () => Promise<FreeSpace>;
  /** The share over the coming time, where it is known to change; see Allowed. */
  readonly shares: () => readonly ShareStep[];
}

const FILES_SHOWN = 32;
const RECENT_SHOWN = 10;
const OBSERVE_MS = 1_000;
/** Operators take files out of the quarantine, and no event reports that, nor the free space. */
const LOOK_MS = 10_000;

/**
 * Observes the flow once a second (monotonic clock) and makes a snapshot on request. snapshot()
 * does not wait: the quarantine and the free space are looked at every ten seconds in the
 * background.
 */
export class Statistics {
  readonly #ports: StatisticsPorts;
  readonly #gauge: FlowGauge;
  readonly #outlook = new Outlook();
  readonly #history = new History();
  readonly #startedAtMs: number;
  readonly #book = new ProblemBook();
  readonly #observing: Repeat;
  #looking = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** The last count on the disk, and the counter's value at that time. */
  #quarantined = { files: 0, counted: 0 };

  constructor(ports: StatisticsPorts) {
    this.#ports = ports;
    this.#gauge = new FlowGauge(ports);
    this.#startedAtMs = ports.clock.monotonicMs();
    this.#observing = new Repeat(ports.clock, () => this.#observe(), OBSERVE_MS);
  }

  start(): void {
    this.#observing.startNow();
  }

  stop(): void {
    void this.#observing.stop();
  }

  /**
   * Bytes were handed to the kernel in the last `elapsedMs`. Call it often while there is a link.
   */
  sent(bytes: number, elapsedMs: number): void {
    this.#gauge.sent(bytes, elapsedMs);
  }

  /**
   * Counts the quarantine on the disk. Rejects with a Fault when the spool cannot be read; the last
   * count then stays.
   */
  async countQuarantined(): Promise<void> {
    const { counters, countQuarantined } = this.#ports;
    const counted = counters.totals.quarantinedFiles;
    this.#quarantined = { files: await countQuarantined(), counted };
  }

  /** The last `agoMs`; see History. */
  history(agoMs: number): HistoryView {
    const { clock } = this.#ports;
    return this.#history.since(agoMs, clock.monotonicMs(), clock.wallMs());
  }

  snapshot(): Snapshot {
    const { version, unit, spoolPath, clock, counters, drain, steering, standstill, lists, recent } =
      this.#ports;
    const backlog = this.#backlog();
    const link = linkView(this.#ports.link);
    return {
      format: 1,
      version,
      takenAtMs: clock.wallMs(),
      pid: process.pid,
      unit,
      spool: spoolPath,
      state: this.#state(backlog.files),
      problems: this.#problems(backlog, link),
      waitingFor: standstill()?.message ?? null,
      uptimeMs: Math.round(clock.monotonicMs() - this.#startedAtMs),
      steering: steering.now,
      backlog,
      link,
      uploads: {
        active: drain.sending,
        limit: drain.uploadLimit.current,
        files: lists.sending(FILES_SHOWN),
      },
      recent: { uploads: recent.uploads(RECENT_SHOWN), failures: recent.failures(RECENT_SHOWN) },
      packets: packetsView(this.#ports.packets),
      ingest: this.#ports.ingest.view(),
      totals: counters.totals,
    };
  }

  #problems(backlog: BacklogView, link: LinkView | null): ProblemView[] {
    const { clock, drain, standstill, remarks, ingest } = this.#ports;
    const { watching, deep } = this.#ports.backlog.view();
    const { unsaved, refusedReload, unkeptOrder, unobserved, restingPacking } = remarks;
    const facts = { backlog, link, unsaved, refusedReload, unkeptOrder, unobserved, restingPacking };
    const problems = findProblems({
      ...facts,
      ingestTroubles: ingest.troubles,
      standstill: standstill(),
      waiting: drain.waiting.slice(0, KINDS_MAX),
      isWatching: watching || deep || !this.#ports.backlog.view().known,
    });
    return this.#book.view(problems, clock.monotonicMs(), clock.wallMs());
  }

  #observe(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const moment = this.#gauge.moment(nowMs);
    this.#outlook.observe(nowMs, moment);
    this.#history.observe(nowMs, this.#gauge.sample(moment));
    if (this.#looking || nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = nowMs;
    this.#looking = true;
    void this.#look();
  }

  /** Never rejects: the backlog reports a spool that cannot be read. */
  async #look(): Promise<void> {
    await this.#ports.freeSpace().then(
      (free) => this.#gauge.setFree(free),
      () => this.#gauge.setFree(undefined),
    );
    await this.countQuarantined().catch(() => undefined);
    this.#looking = false;
  }

  #state(files: number): DaemonState {
    const { isStopping, standstill, backlog, drain } = this.#ports;
    if (isStopping()) return 'stopping';
    if (standstill() !== undefined) return 'paused';
    if (!backlog.view().known) return 'starting';
    return files === 0 && drain.active === 0 ? 'idle' : 'draining';
  }

  #backlog(): BacklogView {
    const { clock, backlog, counters, drain } = this.#ports;
    const { files, bytes, oldestModifiedAtMs, oldestPath, deferred, written, deep, known, skipped } =
      backlog.view();
    const outlook = this.#outlook.view(clock.monotonicMs(), clock.wallMs());
    const quarantined = this.#quarantined;
    const { freeSpace } = this.#gauge;
    return {
      files,
      bytes,
      oldestAgeMs: oldestModifiedAtMs === null ? null : Math.max(0, clock.wallMs() - oldestModifiedAtMs),
      oldest:
        oldestPath === null
          ? null
          : { path: `${oldestPath}`, reason: reasonOf(drain.failureOf(oldestPath)?.why) },
      deferred,
      written,
      waiting: boundedKinds(drain.waiting),
      quarantined: quarantined.files + counters.totals.quarantinedFiles - quarantined.counted,
      skipped: skipped.map((kind) => ({ ...kind, example: `${kind.example}` })),
      freeBytes: freeSpace?.bytes ?? null,
      freeFiles: freeSpace?.files ?? null,
      ...outlook,
      forecast: known ? outlook.forecast : UNCOUNTED,
      countedByScan: deep,
    };
  }
}

function packetsView({ gathered, isOn, packets }: StatisticsPorts['packets']): PacketsView | null {
  const complete = [...packets];
  if (!isOn && complete.length === 0) return null;
  return {
    gatheredFiles: gathered.files,
    gatheredBytes: gathered.bytes,
    completePackets: complete.length,
    completeFiles: complete.reduce((sum, { left }) => sum + left.size, 0),
  };
}

function reasonOf(why: FailureReason | undefined): string | null {
  return why === undefined ? null : withoutHint(why);
}

/** Until the first scan has ended, no file is known, and that says nothing. */
const UNCOUNTED: ForecastView = {
  ...{ verdict: 'unknown', eta: null, basis: null },
  ...{ shareToHold: null, diskFullMs: null },
};

/** How many reasons are shown separately. */
const KINDS_MAX = 8;

function boundedKinds(waiting: readonly WaitingFiles[]): WaitingView[] {
  const told = waiting.map(({ fault, nextTryAtMs: _, ...kind }) => ({ ...kind, message: explain(fault) }));
  const [last, ...others] = told.slice(KINDS_MAX - 1);
  if (last === undefined || others.length === 0) return told;
  const files = others.reduce((sum, kind) => sum + kind.files, last.files);
  return [...told.slice(0, KINDS_MAX - 1), { ...last, reason: 'other', files, isFolder: false }];
}

// What the daemon's stages are built from. Nothing is started here; Daemon starts the stages in the
// order of the flow.

import { Backlog } from './backlog/backlog.ts';
import { scanned } from './backlog/scanner.ts';
import type { Settings } from './config/settings.ts';
import { type ControlledDaemon, serveControl } from './control/control-server.ts';
import { Obedience } from './control/obedience.ts';
import type { PauseReason } from './drain/breaker.ts';
import type { DestinationOptions } from './drain/destination.ts';
import { Drain } from './drain/drain.ts';
import { findObject } from './drain/known-object.ts';
import { Sweep } from './drain/sweep.ts';
import type { Host, PacedSender, Store } from './host.ts';
import { Manifest } from './manifest/manifest.ts';
import type { ShaperActivity } from './pace/shaper.ts';
import { packetOf } from './packets/packet.ts';
import { Packets } from './packets/packets.ts';
import type { Counters } from './report/counters.ts';
import type { Listener } from './report/daemon-event.ts';
import { FileLists } from './report/file-lists.ts';
import type { IngestBook } from './report/ingest-book.ts';
import type { Standstill } from './report/problems.ts';
import type { RecentFiles } from './report/recent-files.ts';
import type { Remarks } from './report/remarks.ts';
import { Statistics } from './report/statistics.ts';
import type { ProgressWatch } from './service/progress-watch.ts';
import { EmptyFolders } from './spool/empty-folders.ts';
import type { Entry } from './spool/entry.ts';
import { LateLook, type LateLookPorts } from './spool/late-look.ts';
import type { SpoolDirectory } from './spool/spool-directory.ts';
import { SpoolKeeper } from './spool/spool-keeper.ts';
import {
  allowanceOf,
  backlogOptionsOf,
  drainOptionsOf,
  manifestOptionsOf,
  packetsOptionsOf,
  partPlannerOf,
  steeredSettings,
  storeOptionsOf,
} from './stage-options.ts';
import { Steering } from './steer/steering.ts';
import type { Clock } from './system/clock.ts';
import type { Fault } from './system/fault.ts';
import type { Redact } from './system/redact.ts';
import type { Stops } from './system/stops.ts';
import { pauseText } from './view/steering-text.ts';

export interface AssemblyPorts {
  readonly host: Host;
  readonly version: string;
  readonly redact: Redact;
  readonly counters: Counters;
  readonly remarks: Remarks;
  readonly recent: RecentFiles;
  readonly ingestBook: IngestBook;
  readonly progress: ProgressWatch;
  /** The settings in force. A reload changes them. */
  readonly settings: () => Settings;
  readonly isStopping: () => boolean;
  /** Undefined until the daemon is up. */
  readonly daemon: () => ControlledDaemon | undefined;
  readonly onEvent: Listener;
  /** Called when only another config leads to a link. */
  readonly onHopeless: (fault: Fault) => void;
}

export interface Stages {
  /** The store for new uploads. A reload may replace it. */
  store: Store;
  readonly spool: SpoolDirectory;
  readonly manifest: Manifest;
  readonly steering: Steering;
  readonly sender: PacedSender;
  readonly backlog: Backlog;
  readonly packets: Packets;
  readonly drain: Drain;
  readonly emptyFolders: EmptyFolders;
  readonly lists: FileLists;
  readonly obedience: Obedience;
  readonly statistics: Statistics;
  readonly sweep: Sweep;
}

/**
 * Builds the stages on a locked spool. Rejects with a Fault when the spool or the sender cannot be
 * made. `stops` ends what was opened until then, and later the stages that are not started. The
 * callbacks below name stages that are built further down: they run after the start alone.
 */
export async function assemble(ports: AssemblyPorts, stops: Stops): Promise<Stages> {
  const { host, onEvent, progress } = ports;
  const { clock } = host;
  const settings = ports.settings();
  const { spool, keeper } = await openSpool(ports, stops, () => backlog.hint());

  const steering = new Steering(settings.link, {
    ...{ clock, onEvent },
    memory: spool.memory('orders.json'),
    onShare: () => sender.allow(allowanceOf(steeredSettings(ports.settings(), steering))),
    onPause: (isPaused) => pause(isPaused),
  });
  await steering.load();

  const sendingOptions = await host.sendingOptions(steeredSettings(settings, steering));
  const sender = host.createSender(sendingOptions, {
    onEvent,
    onLink: () => drain.start(),
    onHopeless: ports.onHopeless,
    onNetworkChange: () => drain.retryNow(),
    onStillWaiting: () => progress.sampled(true),
    onActivity: (...seen) => observe(...seen),
    onAlive: progress.moved,
  });
  stops.push(() => sender.stop());

  const backlog = new Backlog({
    ...{ clock, onEvent },
    spool: scanned(spool, host.walkSpool),
    options: backlogOptionsOf(settings),
    ...(host.backlogBounds && { bounds: host.backlogBounds }),
    ...(host.watch && { watch: host.watch }),
    onWork: () => {
      packets.foundMore();
      drain.pump();
    },
    onGone: () => keeper.lost(),
  });

  const manifest = new Manifest(
    { clock, onEvent, lock: (place, path) => host.lockManifest(place, path) },
    manifestOptionsOf(settings),
  );
  stops.push(() => manifest.stop());

  const emptyFolders = new EmptyFolders({ spool, clock, quietMs: settings.spool.settleMs, onEvent });
  const onRemoved = ({ path }: Pick<Entry, 'path'>) => {
    progress.moved();
    if (ports.settings().spool.pruneEmptyDirs) emptyFolders.fileRemoved(path);
  };
  const packets = new Packets(
    {
      ...{ clock, spool, backlog, manifest, host: host.name, onRemoved, onEvent },
      find: (object, signal) => findObject(object, drain.destination.store, signal),
      onWork: () => drain.pump(),
    },
    packetsOptionsOf(settings),
  );
  const store = createStore(ports, sender);
  const drain = new Drain(
    {
      ...{ clock, spool: packets.spool, backlog: packets.backlog, manifest: packets.manifest },
      onEvent: (event) => packets.tell(event),
      random: () => host.random(),
      onRead: progress.moved,
      onStored: (entry) => packets.stored(entry),
      onRemoved: (entry) => {
        if (packetOf(entry) === undefined) onRemoved(entry);
      },
      rateBytesPerSec: () => sender.pace?.limits.targetBytesPerSec ?? 0,
    },
    destinationOf(ports, store),
    drainOptionsOf(settings),
  );

  function pause(isPaused: boolean): void {
    if (isPaused) void Promise.all([packets.pause(), drain.pause()]);
    else {
      packets.resume();
      drain.resume();
    }
  }
  if (steering.now.paused !== null) pause(true);

  const { recent } = ports;
  const requests = () => sender.progress();
  const lists = new FileLists({ clock, backlog, packets, drain, spool, recent, requests });
  const statistics = new Statistics({
    ...{ clock, backlog, drain, steering, counters: ports.counters, link: sender },
    ...{ version: ports.version, unit: settings.service.unit, isStopping: ports.isStopping },
    ...{ spoolPath: settings.spool.path, remarks: ports.remarks, lists, recent },
    ...{ packets, ingest: ports.ingestBook },
    standstill: () => standstillOf({ steering, sender, drain, backlog }, clock),
    countQuarantined: () => spool.quarantinedCount(),
    freeSpace: () => spool.freeSpace(),
    shares: () => steering.coming(),
  });

  /** At most ten times a second, while there is a link. */
  function observe(activity: ShaperActivity, elapsedMs: number, busyShare: number): void {
    const uploads = { active: drain.sending, limit: drain.uploadLimit.current };
    statistics.sent(activity.admittedBytes, elapsedMs);
    onEvent({ kind: 'activity', activity, elapsedMs, pace: sender.pace, uploads });
    drain.observe(activity, elapsedMs, busyShare);
    progress.sampled(activity.admittedBytes > 0 || drain.active === 0);
  }

  const obedience = new Obedience({ clock, steering, backlog, packets, drain, onEvent });
  const sweep = new Sweep({ spool, drain, clock, onEvent });
  return {
    store,
    spool,
    manifest,
    steering,
    sender,
    backlog,
    packets,
    drain,
    emptyFolders,
    lists,
    obedience,
    statistics,
    sweep,
  };
}

type Standing = Pick<Stages, 'steering' | 'sender' | 'drain' | 'backlog'>;

/** Why nothing is drained. An operator's pause comes first, because nothing else is tried then. */
function standstillOf({ steering, sender, drain, backlog }: Standing, clock: Clock): Standstill | undefined {
  const paused = pauseText(steering.now, clock.wallMs());
  if (paused !== undefined) return { by: 'paused', message: paused, hint: 'halfpipe resume ends the pause' };
  if (sender.waitingFor !== undefined) return { by: 'link', ...reasonOf(sender.waitingFor) };
  const { breaker } = drain.destination;
  const nowMs = clock.monotonicMs();
  if (breaker.reason !== undefined)
    return { by: 'store', ...reasonOf(breaker.reason), nextTryAtMs: nowMs + breaker.waitMs(nowMs) };
  const { fault } = backlog.view();
  return fault === null ? undefined : { by: 'spool', ...reasonOf(fault) };
}

/** The fields of an Error are not enumerable. */
function reasonOf({ message, hint }: PauseReason): PauseReason {
  return { message, hint };
}

/** Opens the spool and takes its lock. `onReattached`: see SpoolKeeperPorts. */
async function openSpool(ports: AssemblyPorts, stops: Stops, onReattached: () => void) {
  const { host, redact, onEvent } = ports;
  const { clock } = host;
  const writers = host.openWriters((problem) => onEvent({ kind: 'openWriters', problem }));
  stops.push(() => writers.stop());
  const onLate: LateLookPorts['onLate'] = (path, problem) => onEvent({ kind: 'lateWrite', path, problem });
  const lateLook = new LateLook({ clock, onLate });
  const newestStays = () => ports.settings().s3.conflict === 'overwrite';
  const { path } = ports.settings().spool;
  const spool = await host.openSpool(path, { clock, writers, lateLook, newestStays, onEvent });
  stops.push(() => spool.close());
  const keeper = new SpoolKeeper({
    ...{ spool, clock, onReattached, onEvent },
    lock: (locked) =>
      host.lockSpool(locked, (socket) => serveControl(socket, { daemon: ports.daemon, redact })),
  });
  stops.push(() => keeper.stop());
  await keeper.start();
  return { spool, keeper };
}

export function createStore({ host, settings, onEvent }: AssemblyPorts, sender: PacedSender): Store {
  return host.createStore(
    storeOptionsOf(settings(), sender, host.clock, partPlannerOf(settings(), host.leastPartBytes), onEvent),
  );
}

/** The destination of files, by the settings in force. */
export function destinationOf({ host, settings }: AssemblyPorts, store: Store): DestinationOptions {
  const { s3, retry } = settings();
  return {
    store,
    bucket: s3.bucket,
    prefix: s3.prefix,
    parts: partPlannerOf(settings(), host.leastPartBytes),
    probeMs: retry.probeMs,
  };
}

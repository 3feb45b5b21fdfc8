// Looks at the daemon while it drains the images, and says when that is over. The daemon is asked for its state;
// whether the spool is empty is seen in the spool itself.
import { readdir } from 'node:fs/promises';
import { fetchSnapshot } from '../../src/control/control-client.ts';
import { connectToInstance } from '../../src/spool/instance-lock.ts';
import { systemClock as clock } from '../../src/system/clock.ts';
import { errnoOf } from '../../src/system/fault.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import type { DaemonProcess } from './daemon-process.ts';
import type { DemoView } from './demo-view.ts';
import { IMAGE_PREFIX } from './images.ts';

export interface DrainWatch {
  readonly daemon: DaemonProcess;
  readonly view: DemoView;
  readonly spool: string;
  /** The watch is over after this long, counted from the first upload, unless `once`. */
  readonly seconds: number;
  readonly once: boolean;
  /** Called at each look: whether no image comes any more. What it throws ends the watch. */
  readonly haveAllArrived: (snapshot: Snapshot) => boolean;
  readonly signal: AbortSignal;
}

export const LOOK_INTERVAL_MS = 500;
/** Nearly done when the time is over: better a whole summary a little late. */
const GRACE_MS = 10_000;
/** With `once`, no file more in this long is a failure, not a slow link. */
const STANDSTILL_MS = 60_000;

/** The last snapshot, and whether the spool was empty; undefined when the signal came first. Rejects when the daemon ends. */
export async function watchDrain(
  watch: DrainWatch,
): Promise<{ readonly snapshot: Snapshot; readonly drained: boolean } | undefined> {
  let beganMs: number | undefined;
  let deletedFiles = 0;
  let movedMs = clock.monotonicMs();
  while (!watch.signal.aborted) {
    await watch.daemon.checkAlive();
    const snapshot = await look(watch.spool);
    const nowMs = clock.monotonicMs();
    if (snapshot !== undefined) {
      watch.view.show(snapshot, nowMs);
      if (snapshot.uploads.active > 0 || snapshot.totals.verifiedFiles > 0) beganMs ??= nowMs;
      const haveAllArrived = watch.haveAllArrived(snapshot);
      if (haveAllArrived && (await isDrained(snapshot, watch.spool))) return { snapshot, drained: true };
      if (snapshot.totals.deletedFiles > deletedFiles) movedMs = nowMs;
      deletedFiles = snapshot.totals.deletedFiles;
      const ended = watch.once
        ? nowMs - movedMs > STANDSTILL_MS
        : isOver(snapshot, watch.seconds, nowMs, beganMs);
      if (ended) return { snapshot, drained: false };
    }
    await pause(LOOK_INTERVAL_MS, watch.signal);
  }
  return undefined;
}

/** Waits, or returns early when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function isOver({ backlog }: Snapshot, seconds: number, nowMs: number, beganMs: number | undefined): boolean {
  if (beganMs === undefined) return false;
  const overdueMs = nowMs - beganMs - seconds * 1000;
  const { eta } = backlog.forecast;
  const nearlyDone = backlog.files === 0 || (eta !== null && eta.lowMs < GRACE_MS);
  return overdueMs >= (nearlyDone ? GRACE_MS : 0);
}

async function isDrained({ state, backlog, uploads }: Snapshot, spool: string): Promise<boolean> {
  if (state === 'starting' || backlog.files > 0 || uploads.active > 0) return false;
  return !(await readdir(spool)).some((name) => name.startsWith(IMAGE_PREFIX));
}

/** Undefined while the daemon is not yet listening. */
async function look(spool: string): Promise<Snapshot | undefined> {
  try {
    return await fetchSnapshot(await connectToInstance(spool));
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

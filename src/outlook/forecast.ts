// Foretells when the backlog will be empty, as a range, and whether it grows.

import { endOf, fullAt } from './course.ts';
import { type Arrivals, type Flow, type FlowLog, MINUTE_MS } from './flow-log.ts';
import { type Allowed, type Tempo, tempoOf, workOf } from './tempo.ts';

export interface Waiting {
  readonly files: number;
  /** Without what is sent already. */
  readonly bytes: number;
  /** What the file system still takes; undefined while unknown. No number of files is no limit. */
  readonly free: { readonly bytes: number; readonly files: number | undefined } | undefined;
}

/** What the rates of one window lead to. */
export interface Prospect {
  readonly tempo: Tempo;
  readonly arrivals: Arrivals;
  /** How long what waits takes at the present speed, in milliseconds. */
  readonly workMs: number;
  /** Seconds of work that come in a second without bursts: up to now, and to the last arrival. */
  readonly load: number;
  readonly usualLoad: number;
  /** With all that arrived, if that was no burst. */
  readonly highLoad: number;
}

export interface Range {
  readonly lowMs: number;
  /** Infinity if it may also take for ever. */
  readonly highMs: number;
}

export interface WindowsSeen {
  readonly minute: Prospect | undefined;
  readonly threeMinutes: Prospect | undefined;
  readonly tenMinutes: Prospect | undefined;
  readonly hour: Prospect | undefined;
}

const NONE: Flow = { files: 0, bytes: 0 };
const STILL: Arrivals = { mean: NONE, steady: NONE, usual: NONE, count: 0, isBurst: false };
/** Rates are known to about this part. */
const MARGIN = 0.02;
/** So much worse when nothing is known of a time as long as the one that is foretold. */
const MARGIN_OF_THE_UNSEEN = 0.15;
/**
 * A small file takes this long at least, and up to this long, where no small file was seen yet:
 * the cost of one PUT, over all uploads at once.
 */
const SMALL_FILE_MS = { least: 1, most: 5 };
/** A window says something of a future up to this many times as long, and at least … */
const FAR = 60;
/** … a tenth as long. */
const NEAR = 10;
/** Stands for a backlog that shrinks from a known time on. */
const SHRINKS_LATER = 0.5;
/** A window of so many gaps between arrivals sees what arrives on average. */
const GAPS = 4;
/** The disk's end is not told further ahead. */
const DISK_MS_MAX = 30 * 24 * 60 * MINUTE_MS;

/** Undefined windows have not been observed for long enough to say more than the shorter ones. */
export function windowsSeen(log: FlowLog, waiting: Waiting, allowed: Allowed | undefined): WindowsSeen {
  const see = (minutes: number, leastMinutes: number) =>
    log.rememberedMs < leastMinutes * MINUTE_MS
      ? undefined
      : prospect(log, minutes * MINUTE_MS, waiting, allowed);
  return {
    minute: see(1, 0),
    threeMinutes: see(3, 1),
    tenMinutes: see(10, 1),
    hour: see(60, 10),
  };
}

function prospect(
  log: FlowLog,
  windowMs: number,
  waiting: Waiting,
  allowed: Allowed | undefined,
): Prospect | undefined {
  const tempo = tempoOf(log, windowMs, allowed);
  if (tempo === undefined) return undefined;
  const known = log.arrivals(windowMs);
  const seen = known !== undefined && log.isSilent ? STILL : known;
  const arrivals = seen ?? STILL;
  const { steady, usual, mean, isBurst } = arrivals;
  return {
    tempo,
    arrivals,
    workMs: workOf(waiting, tempo),
    load: workOf(steady, tempo) / 1000,
    usualLoad: workOf(usual, tempo) / 1000,
    // Before a second scan, it is unknown what arrives.
    highLoad: seen === undefined ? Number.POSITIVE_INFINITY : workOf(isBurst ? steady : mean, tempo) / 1000,
  };
}

/** When the backlog will be empty. Undefined if none of the windows knows an end. */
export function rangeOf(seen: WindowsSeen, waiting: Waiting, observedMs: number): Range | undefined {
  const ends = [
    { prospect: seen.minute, windowMs: MINUTE_MS },
    { prospect: seen.tenMinutes, windowMs: 10 * MINUTE_MS },
    { prospect: seen.hour, windowMs: 60 * MINUTE_MS },
  ].flatMap(({ prospect: of, windowMs }) =>
    of === undefined ? [] : [{ ...rangeIn(of, waiting), windowMs }],
  );
  const horizonMs = Math.min(...ends.map(({ lowMs }) => lowMs));
  if (!Number.isFinite(horizonMs)) return undefined;
  const isTelling = ({ windowMs }: { windowMs: number }) =>
    windowMs * FAR >= horizonMs && windowMs <= Math.max(MINUTE_MS, horizonMs * NEAR);
  const telling = ends.some(isTelling) ? ends.filter(isTelling) : ends;
  const lowMs = Math.min(...telling.map((end) => end.lowMs));
  const highMs = Math.max(...telling.map((end) => end.highMs));
  if (!Number.isFinite(lowMs)) return undefined;
  const unseen = Math.max(0, 1 - observedMs / lowMs);
  const margin = MARGIN + MARGIN_OF_THE_UNSEEN * unseen;
  return { lowMs: Math.max(0, lowMs * (1 - margin) - 1_000), highMs: highMs * (1 + margin) + 1_000 };
}

function rangeIn({ tempo, workMs, load, highLoad, arrivals }: Prospect, waiting: Waiting): Range {
  // One file more or less is seen by chance.
  const chance = 1 / Math.max(2, arrivals.count);
  const { least, most } = smallFiles(tempo, waiting);
  return {
    lowMs: endOf(Math.max(workMs, least), load * (1 - chance), tempo.stretches),
    highMs: endOf(workMs + most, highLoad * (1 + chance), tempo.stretches),
  };
}

/**
 * The time for small files, if none was seen: what waits is much smaller than what has left. In
 * milliseconds.
 */
function smallFiles({ drained, byFiles }: Tempo, { files, bytes }: Waiting) {
  const areSmall = bytes / files < drained.bytes / Math.max(drained.files, Number.MIN_VALUE) / 2;
  if (files <= 1 || byFiles > 0 || !areSmall) return { least: 0, most: 0 };
  return { least: files * SMALL_FILE_MS.least, most: files * SMALL_FILE_MS.most };
}

/**
 * Arrivals as a part of what leaves: above 1, the backlog grows. A backlog that grows until a known
 * change of the share, and then ends, counts as one that shrinks.
 */
export function pressureOf({ workMs, tempo: { stretches } }: Prospect, load: number): number {
  const now = load / (stretches[0]?.speed ?? 1);
  const endsLater = now >= 1 && endOf(workMs, load, stretches) < Number.POSITIVE_INFINITY;
  return endsLater ? SHRINKS_LATER : now;
}

/**
 * The windows that tell whether the backlog grows: the shortest that is long enough to see several
 * arrivals, and the next.
 */
export function telling(
  seen: WindowsSeen,
  longestGapMs: number,
): { short: Prospect; long: Prospect } | undefined {
  const windows = [
    { of: seen.threeMinutes, windowMs: 3 * MINUTE_MS },
    { of: seen.tenMinutes, windowMs: 10 * MINUTE_MS },
    { of: seen.hour, windowMs: 60 * MINUTE_MS },
  ].flatMap(({ of, windowMs }) => (of === undefined ? [] : [{ of, windowMs }]));
  const first = windows.findIndex(({ windowMs }) => windowMs >= GAPS * longestGapMs);
  const [short, long] = (first === -1 ? windows.slice(-1) : windows.slice(first)).map(({ of }) => of);
  const only = short ?? seen.minute;
  return only === undefined ? undefined : { short: only, long: long ?? only };
}

/**
 * The share of the capacity at which as much leaves as arrives. Null if the link is not what limits
 * the drain.
 */
export function shareToHold({ tempo, arrivals }: Prospect, allowed: Allowed | undefined): number | null {
  const now = allowed?.shares[0]?.share ?? 0;
  if (allowed === undefined || now <= 0 || !tempo.isLinkFull) return null;
  const capacityBytesPerSec = allowed.targetBytesPerSec / now;
  return (arrivals.usual.bytes * tempo.wirePerByte + tempo.crossBytesPerSec) / capacityBytesPerSec;
}

/**
 * When the spool's file system takes no more, in milliseconds; null if not before `endMs`, or not
 * known. Without a prospect, nothing leaves.
 */
export function diskFullIn(
  log: FlowLog,
  windowMs: number,
  of: Pick<Prospect, 'tempo' | 'arrivals'> | undefined,
  { free }: Waiting,
  endMs: number,
): number | null {
  const usual = (of?.arrivals ?? (log.isSilent ? STILL : log.arrivals(windowMs)))?.usual;
  if (free === undefined || usual === undefined) return null;
  const drained = of?.tempo.drained ?? NONE;
  const stretches = of?.tempo.stretches ?? [{ fromMs: 0, speed: 0 }];
  const untilMs = Math.min(endMs, DISK_MS_MAX);
  const fills = (room: number, arrived: number, leaves: number) =>
    fullAt(room, (speed) => (arrived - leaves * speed) / 1000, stretches, untilMs);
  const byBytes = fills(free.bytes, usual.bytes + besides(log, windowMs), drained.bytes);
  const byFiles = free.files === undefined ? null : fills(free.files, usual.files, drained.files);
  return byBytes === null ? byFiles : byFiles === null ? byBytes : Math.min(byBytes, byFiles);
}

/**
 * Bytes a second that fill the disk beside the bytes of files: whole blocks for small files, and
 * other programs.
 */
function besides(log: FlowLog, windowMs: number): number {
  const spanMs = log.spanMs(windowMs);
  const grown = log.growth('arrivedBytes', windowMs) - log.growth('drainedBytes', windowMs);
  const used = log.growth('usedBytes', windowMs);
  return Number.isNaN(used) || spanMs < MINUTE_MS ? 0 : (Math.max(0, used - grown) * 1000) / spanMs;
}

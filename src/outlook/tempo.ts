// How fast the drain works, and what would make it faster: estimated from the log of the flow.

import type { Stretch } from './course.ts';
import { ENOUGH_MS, type Flow, type FlowLog, perSecond } from './flow-log.ts';

/** What the link allows. All rates are wire bytes a second. */
export interface Allowed {
  readonly targetBytesPerSec: number;
  readonly floorBytesPerSec: number;
  /**
   * The share of the capacity over the coming time; the first is the one in force, from 0 on. A
   * share of 0 is a pause.
   */
  readonly shares: readonly ShareStep[];
  /** True if the line or the store takes less than the budget. */
  readonly isSlow: boolean;
  /** How long the target has been what it is. */
  readonly steadyMs: number;
}

export interface ShareStep {
  /** Milliseconds from now. */
  readonly fromMs: number;
  /** 0 ≤ share ≤ 1. */
  readonly share: number;
}

/** If we send this part of the room, the link is what limits the drain. */
const FULL = 0.85;
/** A file never takes longer than this, on average, however few bytes it has. */
const FILE_MS_MAX = 1_000;

/** The speed of the drain, as seen over one window. */
export interface Tempo {
  /** What leaves in a second of work. */
  readonly drained: Flow;
  /** Which part of the time depends on the number of files; the rest depends on their bytes. */
  readonly byFiles: number;
  /** True if a larger share of the link would make the drain faster. */
  readonly isLinkFull: boolean;
  /** Wire bytes a second of others. */
  readonly crossBytesPerSec: number;
  /** Wire bytes for each byte of content. */
  readonly wirePerByte: number;
  readonly stretches: readonly Stretch[];
}

/** Undefined while there has been no work for ENOUGH_MS in the window. */
export function tempoOf(log: FlowLog, windowMs: number, allowed: Allowed | undefined): Tempo | undefined {
  const workMs = log.growth('workMs', windowMs);
  if (!(workMs >= ENOUGH_MS)) return undefined;
  const files = Math.max(0, log.growth('workFiles', windowMs));
  const bytes = Math.max(0, log.growth('workBytes', windowMs));
  const drained = perSecond({ files, bytes }, workMs);
  const workLinkMs = log.growth('workLinkMs', windowMs);
  const own = workLinkMs > 0 ? (log.growth('workOwnBytes', windowMs) * 1000) / workLinkMs : 0;
  const room = workLinkMs > 0 ? (log.growth('workRoomBytes', windowMs) * 1000) / workLinkMs : 0;
  const crossBytesPerSec = linkMean(log, 'crossBytes', windowMs);
  const fullness = room > 0 ? Math.min(1, own / room) : 1;
  const isSlow = allowed?.isSlow ?? false;
  const isLinkFull = allowed !== undefined && fullness >= FULL && !isSlow;
  const roomAt = (share: number): number =>
    allowed === undefined ? room : roomOf(allowed, share, crossBytesPerSec, log, windowMs);
  const factorOf = (share: number): number => {
    if (isLinkFull) return room > 0 ? roomAt(share) / room : 1;
    return own > 0 ? Math.min(1, roomAt(share) / own) : share > 0 ? 1 : 0;
  };
  const byFiles = fullness >= FULL || isSlow || drained.files === 0 ? 0 : 1 - fullness;
  const speedOf = (factor: number): number => (factor > 0 ? 1 / ((1 - byFiles) / factor + byFiles) : 0);
  const shares = allowed?.shares ?? [{ fromMs: 0, share: 1 }];
  return {
    drained,
    byFiles,
    isLinkFull,
    crossBytesPerSec,
    wirePerByte: drained.bytes > 0 && own > 0 ? own / drained.bytes : 1,
    stretches: shares.map(({ fromMs, share }) => ({ fromMs, speed: speedOf(factorOf(share)) })),
  };
}

/**
 * How long this amount takes at the measured speed, in milliseconds; Infinity if nothing leaves.
 */
export function workOf({ files, bytes }: Flow, { drained, byFiles }: Tempo): number {
  if (files <= 0 && bytes <= 0) return 0;
  if (bytes <= 0) return (files / drained.files) * 1000;
  const forFiles =
    drained.files > 0 ? Math.min((byFiles * files * 1000) / drained.files, files * FILE_MS_MAX) : 0;
  return ((1 - byFiles) * bytes * 1000) / drained.bytes + forFiles;
}

/** What others leave to us at this share of the capacity. */
function roomOf(
  { shares, steadyMs, targetBytesPerSec, floorBytesPerSec }: Allowed,
  share: number,
  crossBytesPerSec: number,
  log: FlowLog,
  windowMs: number,
): number {
  const now = shares[0]?.share ?? 0;
  if (share <= 0) return 0;
  // The mean of what was left is not the target less the mean of others, where others come and go.
  if (share === now && steadyMs >= log.spanMs(windowMs)) return linkMean(log, 'roomBytes', windowMs);
  const target = now > 0 ? (targetBytesPerSec * share) / now : targetBytesPerSec;
  return Math.max(Math.min(floorBytesPerSec, target), target - crossBytesPerSec);
}

function linkMean(log: FlowLog, name: 'crossBytes' | 'roomBytes', windowMs: number): number {
  const measuredMs = log.growth('linkMs', windowMs);
  return measuredMs > 0 ? (log.growth(name, windowMs) * 1000) / measuredMs : 0;
}

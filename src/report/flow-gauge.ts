// Gathers from the stages what the outlook needs to know.

import type { BacklogCounts } from '../backlog/backlog-count.ts';
import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { OutlookMoment } from '../outlook/outlook.ts';
import type { Allowed, ShareStep } from '../outlook/tempo.ts';
import type { PaceView } from '../pace/governor.ts';
import type { HistorySample } from '../view/history-view.ts';

export interface GaugePorts {
  readonly backlog: { view(): BacklogCounts };
  readonly drain: { readonly active: number };
  readonly link: {
    /** Undefined while there is no link. */
    readonly pace: PaceView | undefined;
    readonly slowLine: object | undefined;
    readonly identity: Pick<UplinkIdentity, 'capacityBitsPerSec'> | undefined;
  };
  /** The share of the capacity over the coming time; see Allowed. */
  readonly shares: () => readonly ShareStep[];
  /** Why the drain stands still; undefined if it does not. */
  readonly standstill: () => object | undefined;
}

export interface FreeSpace {
  readonly bytes: number;
  readonly files: number | undefined;
}

/** A target that differs by less than this part is the same target. */
const SAME_TARGET = 0.001;

/**
 * Adds up what the link carried, and follows how much of the files in flight has been sent.
 * Deterministic: time is an argument, of the monotonic clock.
 */
export class FlowGauge {
  readonly #ports: GaugePorts;
  #link = { totalBytes: 0, ownBytes: 0, crossBytes: 0, roomBytes: 0, linkMs: 0 };
  #sampled = {
    ...{ arrivedFiles: 0, arrivedBytes: 0, drainedFiles: 0, drainedBytes: 0 },
    link: this.#link,
  };
  #sentBytes = 0;
  #countedSentBytes = 0;
  #countedRemovedBytes = 0;
  #removedFiles = 0;
  /** Bytes of files in flight that have been sent. */
  #aheadBytes = 0;
  #target = { bytesPerSec: 0, sinceMs: 0 };
  #free: (FreeSpace & { readonly firstBytes: number }) | undefined;

  constructor(ports: GaugePorts) {
    this.#ports = ports;
  }

  /** Bytes that were handed to the kernel in the last `elapsedMs`. Call it often. */
  sent(bytes: number, elapsedMs: number): void {
    this.#sentBytes += bytes;
    const { pace } = this.#ports.link;
    if (pace === undefined || pace.degraded) return;
    const { totalBytesPerSec, ownBytesPerSec, crossBytesPerSec } = pace.rates;
    const seconds = elapsedMs / 1000;
    this.#link = {
      totalBytes: this.#link.totalBytes + totalBytesPerSec * seconds,
      ownBytes: this.#link.ownBytes + ownBytesPerSec * seconds,
      crossBytes: this.#link.crossBytes + crossBytesPerSec * seconds,
      roomBytes: this.#link.roomBytes + roomOf(pace) * seconds,
      linkMs: this.#link.linkMs + elapsedMs,
    };
  }

  /** Undefined: not known any more. */
  setFree(free: FreeSpace | undefined): void {
    this.#free = free && { ...free, firstBytes: this.#free?.firstBytes ?? free.bytes };
  }

  get freeSpace(): FreeSpace | undefined {
    return this.#free;
  }

  /** Call it about once a second. */
  moment(nowMs: number): OutlookMoment {
    const { backlog, drain, standstill } = this.#ports;
    const view = backlog.view();
    const { arrivedFiles, arrivedBytes, removedFiles, removedBytes, scans } = view;
    const aheadBytes = this.#ahead(view);
    const free = this.#free;
    return {
      counts: {
        ...{ arrivedFiles, arrivedBytes },
        drainedFiles: removedFiles,
        drainedBytes: removedBytes + aheadBytes,
        ...this.#link,
        usedBytes: free === undefined ? Number.NaN : free.firstBytes - free.bytes,
      },
      isWorking: drain.active > 0 && this.#hasMore(view, aheadBytes),
      ...{ scans, watched: view.watching },
      waiting: {
        files: view.files,
        bytes: Math.max(0, view.bytes - aheadBytes),
        free,
      },
      deferred: view.deferred,
      unsettled: view.unsettled + view.written,
      isPaused: standstill() !== undefined,
      // Without a file, nothing is foretold.
      allowed: view.files === 0 ? undefined : this.#allowed(nowMs),
    };
  }

  /** What has happened since the last call, for the history. Call it after moment(). */
  sample({ counts }: OutlookMoment): HistorySample {
    const { pace, identity } = this.#ports.link;
    const { files, bytes } = this.#ports.backlog.view();
    const before = this.#sampled;
    const link = this.#link;
    const linkMs = link.linkMs - before.link.linkMs;
    const mean = (name: 'totalBytes' | 'ownBytes' | 'crossBytes') =>
      linkMs > 0 ? Math.round(((link[name] - before.link[name]) * 8_000) / linkMs) : Number.NaN;
    // What is sent again after it was sent in vain does not count twice.
    const drainedBytes = Math.max(counts.drainedBytes, before.drainedBytes);
    this.#sampled = { ...counts, drainedBytes, link };
    return {
      totalBitsPerSec: mean('totalBytes'),
      ownBitsPerSec: mean('ownBytes'),
      crossBitsPerSec: mean('crossBytes'),
      targetBitsPerSec: (pace?.limits.targetBytesPerSec ?? Number.NaN) * 8,
      capacityBitsPerSec: identity?.capacityBitsPerSec ?? Number.NaN,
      ...{ files, bytes },
      arrivedFiles: counts.arrivedFiles - before.arrivedFiles,
      arrivedBytes: counts.arrivedBytes - before.arrivedBytes,
      drainedFiles: counts.drainedFiles - before.drainedFiles,
      drainedBytes: drainedBytes - before.drainedBytes,
    };
  }

  /**
   * True if other files could be sent than those in flight, or if a file in flight is so large that
   * none has left since the last look.
   */
  #hasMore(
    { files, deferred, unsettled, written, inFlight, inFlightBytes, removedFiles }: BacklogCounts,
    aheadBytes: number,
  ): boolean {
    const isLarge = removedFiles === this.#removedFiles && aheadBytes < inFlightBytes;
    this.#removedFiles = removedFiles;
    return files - deferred - unsettled - written > inFlight || isLarge;
  }

  /**
   * What was sent and not removed is ahead of the count. What was sent in vain is forgotten with
   * the file in flight that it was sent for.
   */
  #ahead({ removedBytes, inFlightBytes }: BacklogCounts): number {
    const sent = this.#sentBytes - this.#countedSentBytes;
    const removed = removedBytes - this.#countedRemovedBytes;
    this.#countedSentBytes = this.#sentBytes;
    this.#countedRemovedBytes = removedBytes;
    this.#aheadBytes = Math.min(inFlightBytes, Math.max(0, this.#aheadBytes + sent - removed));
    return this.#aheadBytes;
  }

  #allowed(nowMs: number): Allowed | undefined {
    const { pace, slowLine } = this.#ports.link;
    if (pace === undefined) return undefined;
    const { targetBytesPerSec, floorBytesPerSec } = pace.limits;
    const change = Math.abs(targetBytesPerSec - this.#target.bytesPerSec);
    if (change > SAME_TARGET * targetBytesPerSec)
      this.#target = { bytesPerSec: targetBytesPerSec, sinceMs: nowMs };
    return {
      ...{ targetBytesPerSec, floorBytesPerSec },
      shares: this.#ports.shares(),
      isSlow: slowLine !== undefined,
      steadyMs: nowMs - this.#target.sinceMs,
    };
  }
}

/** What others leave of the target, and at least the floor. */
function roomOf({ limits, rates }: PaceView): number {
  const { targetBytesPerSec, floorBytesPerSec } = limits;
  return Math.max(Math.min(floorBytesPerSec, targetBytesPerSec), targetBytesPerSec - rates.crossBytesPerSec);
}

// What `log.level: debug` adds to the log: a line for each scan, each request and each step of a
// file's removal, and a line a second while anything is sent. At any other level nothing is put
// into words.

import type { ScanResult } from '../backlog/scanner.ts';
import type { Drain } from '../drain/drain.ts';
import type { Logger } from '../log/log.ts';
import type { PaceView } from '../pace/governor.ts';
import type { ShaperActivity } from '../pace/shaper.ts';
import type { AsideStep } from '../spool/aside.ts';
import type { SpoolPath } from '../spool/entry.ts';
import type { RequestTrace, TracedRequest } from '../store/s3/request-trace.ts';
import { printable } from '../system/printable.ts';
import { readableCount, readableFiles, readableRate, readableSize } from '../view/readable.ts';

interface SendingDrain extends Pick<Drain, 'sending'> {
  readonly uploadLimit: Pick<Drain['uploadLimit'], 'current'>;
}

/** The control loop ticks twenty times a second. */
const SAMPLE_MS = 1_000;

export class DebugLog implements RequestTrace {
  readonly #log: Logger;
  #elapsedMs = 0;
  #admittedBytes = 0;
  #longestWaitMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  readonly isWanted = (): boolean => this.#log.level === 'debug';

  readonly onScanned = (result: ScanResult, durationMs: number): void => {
    if (!this.isWanted()) return;
    const { files, bytes, folders, eligible, unsettled, entries } = result;
    const fields = { files, bytes, folders, eligible, unsettled, kept: entries.length };
    const found = `${readableFiles(files)} (${readableSize(bytes)}) in ${folders === 1 ? '1 folder' : `${readableCount(folders)} folders`}`;
    this.#log.debug(
      { event: 'scanned', ...fields, durationMs: Math.round(durationMs) },
      `scanned ${found} in ${seconds(durationMs)}: ${readableCount(eligible)} may go, ` +
        `${readableCount(unsettled)} not complete yet`,
    );
  };

  readonly onRequest = (request: TracedRequest): void => {
    const { operation, key, part, status, error, bytes, durationMs } = request;
    const what = [operation, part && `part ${part} of`, key && printable(key)].filter(Boolean).join(' ');
    const answer = [status ?? 'no answer', error].filter(Boolean).join(' ');
    this.#log.debug(
      { event: 'request', operation, key, part, status, error, bytes, durationMs: Math.round(durationMs) },
      `${what}: ${answer} in ${seconds(durationMs)}, ${readableSize(bytes)} sent`,
    );
  };

  readonly onAsideStep = (path: SpoolPath, step: AsideStep): void => {
    if (!this.isWanted()) return;
    this.#log.debug({ event: 'asideStep', file: `${path}`, step }, `${path} ${STEPS[step]}`);
  };

  /** Call ten times a second, with what happened since the last time. */
  onReport(
    { admittedBytes, longestWaitMs, waiting }: ShaperActivity,
    elapsedMs: number,
    pace: PaceView | undefined,
    { sending, uploadLimit }: SendingDrain,
  ): void {
    if (!this.isWanted()) return;
    this.#elapsedMs += elapsedMs;
    this.#admittedBytes += admittedBytes;
    this.#longestWaitMs = Math.max(this.#longestWaitMs, longestWaitMs);
    if (this.#elapsedMs < SAMPLE_MS) return;
    const isIdle = this.#admittedBytes === 0 && waiting === 0;
    const fields = { admittedBytes: this.#admittedBytes, longestWaitMs: Math.round(this.#longestWaitMs) };
    const elapsed = Math.round(this.#elapsedMs);
    this.#elapsedMs = this.#admittedBytes = this.#longestWaitMs = 0;
    if (pace === undefined || isIdle) return;
    const { rates, budgetBytesPerSec, floorEngaged, degraded } = pace;
    const rate = (bytesPerSec: number) => readableRate(bytesPerSec * 8);
    const { totalBytesPerSec, ownBytesPerSec, crossBytesPerSec } = rates;
    const others = rate(crossBytesPerSec);
    this.#log.debug(
      { event: 'sample', elapsedMs: elapsed, ...fields, waiting, uploads: sending, floorEngaged, degraded },
      `sample: total ${rate(totalBytesPerSec)}, own ${rate(ownBytesPerSec)}, others ${others}, ` +
        `budget ${rate(budgetBytesPerSec)}; ${sending} of at most ${uploadLimit.current} uploads`,
    );
  }
}

const STEPS: Readonly<Record<AsideStep, string>> = {
  aside: 'was set aside, to be removed',
  removed: 'was removed',
  back: 'is back in its place',
  waits: 'waits in .halfpipe/aside, because its name is taken',
  superseded: 'is in .halfpipe/quarantine, because a newer file has its name',
};

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}

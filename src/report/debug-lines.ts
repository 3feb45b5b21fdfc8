// What `log.level: debug` adds to the log: a line for each scan, each request and each step of a
// removal, and one line a second while anything is sent. At any other level, no text is made.

import type { Logger } from '../log/log.ts';
import type { AsideStep } from '../spool/aside.ts';
import type { TracedRequest } from '../store/s3/store-event.ts';
import { printable } from '../system/printable.ts';
import { readableCount, readableFiles, readableRate, readableSize } from '../view/readable.ts';
import type { DaemonEvent, Listener } from './daemon-event.ts';

type Activity = Extract<DaemonEvent, { readonly kind: 'activity' }>;
type Scanned = Extract<DaemonEvent, { readonly kind: 'scanned' }>;

/** `activity` comes ten times a second. */
const SAMPLE_MS = 1_000;

export function debugLines(log: Logger): Listener {
  const samples = new Samples(log);
  return (event) => {
    if (log.level !== 'debug') return;
    switch (event.kind) {
      case 'scanned':
        return tellScanned(log, event);
      case 'request':
        return tellRequest(log, event.request);
      case 'asideStep': {
        const { path, step } = event;
        return log.debug({ event: 'asideStep', file: `${path}`, step }, `${path} ${STEPS[step]}`);
      }
      case 'activity':
        return samples.add(event);
    }
  };
}

const STEPS: Readonly<Record<AsideStep, string>> = {
  aside: 'was set aside, to be removed',
  removed: 'was removed',
  back: 'is back in its place',
  waits: 'waits in .halfpipe/aside, because its name is taken',
  superseded: 'is in .halfpipe/quarantine, because a newer file has its name',
};

function tellScanned(log: Logger, { result, durationMs }: Scanned): void {
  const { files, bytes, folders, eligible, unsettled } = result;
  const fields = { files, bytes, folders, eligible, unsettled };
  const inFolders = folders === 1 ? '1 folder' : `${readableCount(folders)} folders`;
  log.debug(
    { event: 'scanned', ...fields, durationMs: Math.round(durationMs) },
    `scanned ${readableFiles(files)} (${readableSize(bytes)}) in ${inFolders} in ${seconds(durationMs)}: ` +
      `${readableCount(eligible)} ready to upload, ${readableCount(unsettled)} not complete yet`,
  );
}

function tellRequest(log: Logger, request: TracedRequest): void {
  const { operation, key, part, status, error, bytes, durationMs } = request;
  const what = [operation, part && `part ${part} of`, key && printable(key)].filter(Boolean).join(' ');
  const answer = [status ?? 'no answer', error].filter(Boolean).join(' ');
  log.debug(
    { event: 'request', operation, key, part, status, error, bytes, durationMs: Math.round(durationMs) },
    `${what}: ${answer} in ${seconds(durationMs)}, ${readableSize(bytes)} sent`,
  );
}

/** Adds up one second of activity, and logs it if anything was sent. */
class Samples {
  readonly #log: Logger;
  #elapsedMs = 0;
  #admittedBytes = 0;
  #longestWaitMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  add({ activity: { admittedBytes, longestWaitMs, waiting }, elapsedMs, pace, uploads }: Activity): void {
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
    const { active, limit } = uploads;
    this.#log.debug(
      { event: 'sample', elapsedMs: elapsed, ...fields, waiting, uploads: active, floorEngaged, degraded },
      `sample: total ${rate(totalBytesPerSec)}, own ${rate(ownBytesPerSec)}, others ${rate(crossBytesPerSec)}, ` +
        `budget ${rate(budgetBytesPerSec)}; ${active} of at most ${limit} uploads`,
    );
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}

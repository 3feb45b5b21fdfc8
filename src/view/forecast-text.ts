// What the forecast says, in words. Every view uses these.

import type { EtaView, FlowRatesView, ForecastView } from './backlog-view.ts';
import { readableDuration, readableMoment, readableNumber, readableSize } from './readable.ts';

/** An end sooner than this is told as a duration, a later one as a time of day. */
const SOON_MS = 120_000;
/** A range that is narrower than this part of the time until the end is told as one time. */
const NARROW = 0.1;
/** So is a range that is narrower than this. */
const NARROW_MS = 60_000;

/** `catching up, done at 14:32 (to 14:50)`; empty if there is nothing to say. */
export function forecastText(forecast: ForecastView): string {
  switch (forecast.verdict) {
    case 'empty':
    case 'unknown':
      return '';
    case 'keeping-up':
      return 'keeping up';
    case 'catching-up':
      return forecast.eta === null ? '' : `catching up, ${doneText(forecast.eta)}`;
    case 'stalled':
      return ['nothing leaves', doneText(forecast.eta), diskText(forecast)]
        .filter((part) => part !== '')
        .join('; ');
    case 'falling-behind':
      return [`falling behind${basisText(forecast.basis)}`, diskText(forecast), shareText(forecast)]
        .filter((part) => part !== '')
        .join('; ');
  }
}

/** `done at 14:32 (to 14:50)`, `done in 40 s`, or nothing. */
export function doneText(eta: EtaView | null): string {
  if (eta === null) return '';
  if (eta.highMs === null || eta.highAtMs === null)
    return eta.lowMs < SOON_MS
      ? `done in ${readableDuration(eta.lowMs)} at best`
      : `done ${timeText(eta.lowAtMs, eta.lowMs)} at best`;
  if (eta.highMs < SOON_MS) return `done in ${readableDuration(eta.highMs)}`;
  const isNarrow = eta.highMs - eta.lowMs < Math.max(NARROW_MS, NARROW * eta.lowMs);
  const low = timeText(eta.lowAtMs, eta.lowMs);
  const high = timeText(eta.highAtMs, eta.highMs);
  return isNarrow || low === high ? `done ${high}` : `done ${low} (to ${high.replace(/^at /, '')})`;
}

/** `at 14:32`, else `Tue 14:32` or `3 Dec 14:32`. Local time. */
function timeText(atMs: number, inMs: number): string {
  const moment = readableMoment(atMs, atMs - inMs);
  return /^\d\d:/.test(moment) ? `at ${moment}` : moment;
}

/** `: 12 files/s arrive, 9 leave`, in bytes where the files do not show it. */
function basisText(basis: FlowRatesView | null): string {
  if (basis === null) return '';
  const { arrivedFilesPerSec, drainedFilesPerSec, arrivedBytesPerSec, drainedBytesPerSec } = basis;
  return arrivedFilesPerSec > drainedFilesPerSec
    ? `: ${readableNumber(arrivedFilesPerSec)} files/s arrive, ${readableNumber(drainedFilesPerSec)} leave`
    : `: ${readableSize(arrivedBytesPerSec)}/s arrive, ${readableSize(drainedBytesPerSec)}/s leave`;
}

function diskText({ diskFullMs }: ForecastView): string {
  return diskFullMs === null ? '' : `the spool's disk is full in ${readableDuration(diskFullMs)}`;
}

function shareText({ shareToHold }: ForecastView): string {
  if (shareToHold === null) return '';
  return shareToHold > 1
    ? 'no share of the line would hold'
    : `a share of ${Math.ceil(shareToHold * 100)} % would hold`;
}

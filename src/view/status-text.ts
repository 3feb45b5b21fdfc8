// The daemon's state in one line: systemctl's status text, and the summary in the log.

import type { BacklogView, SkippedView, WaitingView } from './backlog-view.ts';
import { forecastText } from './forecast-text.ts';
import { isHealthy } from './health-text.ts';
import type { PacketsView } from './packets-view.ts';
import { readableCount, readableDuration, readableFiles, readableMoment, readableRate } from './readable.ts';
import { slowLineText } from './slow-line-text.ts';
import type { LinkView, Snapshot } from './snapshot.ts';

export const FLOOR_ENGAGED = 'others take more than the target: sending the floor';
/** What to do about the worst problem, where it is known; else the log may say it. */
export function whatToDo({ problems, unit }: Pick<Snapshot, 'problems' | 'unit'>): string {
  return `what to do: ${problems[0]?.remedy ?? `journalctl -u ${unit}`}`;
}

/** `halfpipe has not been running since 14:32 (12 s): systemctl start halfpipe`. */
export function notRunningSince(sinceMs: number, nowMs: number, unit: string): string {
  const [since, lasts] = [readableMoment(sinceMs, nowMs), readableDuration(nowMs - sinceMs)];
  return `halfpipe has not been running since ${since} (${lasts}): systemctl start ${unit}`;
}

/** A younger oldest file is not worth the space. */
const WORTH_SAYING_MS = 60_000;

type Status = Pick<Snapshot, 'state' | 'waitingFor' | 'backlog' | 'link' | 'packets'>;

/** The text for places where the log is not visible. */
export function unitStatus(status: Status & Pick<Snapshot, 'problems' | 'unit'>): string {
  return isHealthy(status) ? statusText(status) : `${statusText(status)} · ${whatToDo(status)}`;
}

export function statusText(status: Status): string {
  return [...doing(status), troubles(status.backlog)].filter((part) => part !== '').join(' · ');
}

/** What the daemon does, how fast, and for how long. */
export function doing({ state, waitingFor, backlog, link, packets }: Status): string[] {
  const { files, oldestAgeMs } = backlog;
  if (waitingFor !== null)
    return [`${state}: ${waitingFor}; ${readableFiles(files)} ${files === 1 ? 'waits' : 'wait'}`];
  if (state === 'idle')
    return [backlog.skipped.length === 0 ? 'idle: the spool is empty' : 'idle: nothing that can be uploaded'];
  if (waitsForRetries(backlog)) return [`waiting to try ${readableFiles(files)} again${oldest(backlog)}`];
  const age = oldestAgeMs !== null && oldestAgeMs > WORTH_SAYING_MS ? oldest(backlog) : '';
  const pace = link === null ? '' : rates(link);
  const does = `${state} ${readableFiles(files)}${age}`;
  return [does, gatheredText(packets), pace, forecastText(backlog.forecast)].filter((part) => part !== '');
}

/** `12 files wait for company in a packet`, or nothing. */
export function gatheredText(packets: PacketsView | null): string {
  const files = packets?.gatheredFiles ?? 0;
  if (files === 0) return '';
  return `${readableFiles(files)} ${files === 1 ? 'waits' : 'wait'} for company in a packet`;
}

/** True if all files have failed and wait for their next attempt. Nothing moves until then. */
export function waitsForRetries({ files, deferred }: Pick<BacklogView, 'files' | 'deferred'>): boolean {
  return files > 0 && deferred >= files;
}

/** `, oldest 2 min`, or nothing. */
export function oldest({ files, oldestAgeMs }: BacklogView): string {
  return files === 0 || oldestAgeMs === null ? '' : `, oldest ${readableDuration(oldestAgeMs)}`;
}

function rates(link: LinkView): string {
  const { totalBitsPerSec, targetBitsPerSec, floorEngaged, degraded } = link;
  if (degraded) return 'the link cannot be measured';
  const engaged = floorEngaged ? FLOOR_ENGAGED : undefined;
  const pace = `${readableRate(totalBitsPerSec)} of ${readableRate(targetBitsPerSec)}`;
  return [pace, engaged, slowLineText(link)].filter((part) => part !== undefined).join(', ');
}

/** `skipped 2 folders that cannot be read or entered (EACCES), such as priv`. */
export function skippedText({ what, count, example }: SkippedView): string {
  return count === 1
    ? `skipped ${example}: ${what}`
    : `skipped ${readableCount(count)} ${what}, such as ${example}`;
}

/** How many reasons one line shows. */
const REASONS_MAX = 3;

/** ` (300 AccessDenied below cam2/, 2 EIO such as a.jpg)`, or nothing. */
function reasons(waiting: BacklogView['waiting']): string {
  const told = waiting.slice(0, REASONS_MAX).map(waitingText);
  if (waiting.length > REASONS_MAX) told.push('…');
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}

/** `300 AccessDenied below cam2/`. */
export function waitingText({ files, reason, example, isFolder }: WaitingView): string {
  const where =
    isFolder && example === '' ? 'right in the spool' : `${isFolder ? 'below' : 'such as'} ${example}`;
  return `${readableCount(files)} ${reason} ${where}`;
}

function troubles({ deferred, waiting, written, quarantined, skipped }: BacklogView): string {
  const parts = [];
  if (written > 0) parts.push(`${readableCount(written)} still being written`);
  if (deferred > 0) parts.push(`${readableCount(deferred)} deferred${reasons(waiting)}`);
  if (quarantined > 0) parts.push(`${readableCount(quarantined)} in quarantine`);
  return [...parts, ...skipped.map(skippedText)].join(', ');
}

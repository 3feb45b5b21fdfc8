// The state of the daemon in a screenful that is read in five seconds.
import { forecastText } from './forecast-text.ts';
import { isHealthy } from './health-text.ts';
import { ingestText } from './ingest-text.ts';
import type { ProblemView } from './problem-view.ts';
import {
  readableCount,
  readableDuration,
  readableFiles,
  readableMoment,
  readableNumber,
  readablePackets,
  readableRate,
  readableSize,
  readableWait,
} from './readable.ts';
import type { Snapshot } from './snapshot.ts';
import { gatheredText } from './status-text.ts';
import { shareText } from './steering-text.ts';

/** Several lines, without a newline at the end. */
export function statusScreen(snapshot: Snapshot): string {
  const rows: (readonly [string, string])[] = [
    ['backlog', backlogText(snapshot)],
    ['flow', flowText(snapshot)],
    ['link', linkText(snapshot)],
    ['share', shareText(snapshot.steering, snapshot.takenAtMs)],
    ['uploads', uploadsText(snapshot)],
    ['packets', packetsText(snapshot)],
    ['ingest', snapshot.ingest ? ingestText(snapshot.ingest, snapshot.takenAtMs) : ''],
  ];
  const known = rows.filter(([, text]) => text !== '');
  return [
    headline(snapshot),
    ...known.map(([name, text]) => `  ${name.padEnd(8)} ${text}`),
    ...problemLines(snapshot),
  ].join('\n');
}

function headline(snapshot: Snapshot): string {
  const { unit, state, version, uptimeMs } = snapshot;
  const health = isHealthy(snapshot) ? 'healthy' : 'DEGRADED';
  return `${unit} is ${health}: ${state}; version ${version}, up for ${readableDuration(uptimeMs)}`;
}

function backlogText({ backlog, state }: Snapshot): string {
  const { files, bytes, oldest, oldestAgeMs, written, countedByScan } = backlog;
  if (files === 0) return state === 'starting' ? 'not counted yet' : 'empty';
  const counted = countedByScan ? ' (counted by scans)' : '';
  const age = oldestAgeMs === null ? '' : `; the oldest is ${readableDuration(oldestAgeMs)} old`;
  const why = oldest?.reason ?? null;
  const name = oldest === null ? '' : `: ${oldest.path}${why === null ? '' : `, which waits: ${why}`}`;
  const open = written === 0 ? '' : `; ${readableCount(written)} still being written`;
  return `${readableFiles(files)}, ${readableSize(bytes)}${counted}${open}${age}${name}`;
}

function flowText({ backlog: { flow, forecast } }: Snapshot): string {
  const rates = flow.lastMinute;
  const text =
    rates === null
      ? ''
      : `in ${readableNumber(rates.arrivedFilesPerSec)}, out ${readableNumber(rates.drainedFilesPerSec)} files/s in the last minute`;
  return [text, forecastText(forecast)].filter((part) => part !== '').join('; ');
}

function linkText({ link }: Snapshot): string {
  if (link === null) return 'not found yet';
  const { totalBitsPerSec, ownBitsPerSec, crossBitsPerSec, targetBitsPerSec, capacityBitsPerSec } = link;
  return [
    `${readableRate(totalBitsPerSec)} of the target ${readableRate(targetBitsPerSec)}`,
    `own ${readableRate(ownBitsPerSec)}, others ${readableRate(crossBitsPerSec)}`,
    `${link.interface} carries ${readableRate(capacityBitsPerSec)}`,
  ].join('; ');
}

function uploadsText({ uploads, totals }: Snapshot): string {
  const { uploadedFiles, uploadedBytes, alreadyThereFiles } = totals;
  const there = alreadyThereFiles === 0 ? '' : `, ${readableCount(alreadyThereFiles)} were there already`;
  const done = `${readableFiles(uploadedFiles)} (${readableSize(uploadedBytes)}) uploaded, verified and deleted${there}`;
  return `${uploads.active} at once of at most ${uploads.limit}; since the start ${done}`;
}

function packetsText({ packets, totals }: Snapshot): string {
  if (packets === null) return '';
  const { completePackets, completeFiles } = packets;
  const { packedFiles, uploadedPackets } = totals;
  const done = `since the start ${readableFiles(packedFiles)} uploaded in ${readablePackets(uploadedPackets)}`;
  return [
    gatheredText(packets),
    ...(completePackets === 0
      ? []
      : [`${readablePackets(completePackets)} with ${readableFiles(completeFiles)} complete`]),
    done,
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function problemLines({ problems, takenAtMs }: Snapshot): string[] {
  return problems.flatMap((problem) => {
    const mark = problem.severity === 'degraded' ? 'PROBLEM ' : 'notice  ';
    const notes = notesOn(problem, takenAtMs);
    return [`  ${mark} ${problem.message}`, ...notes.map((note) => `           ${note}`)];
  });
}

function notesOn({ sinceAtMs, nextTryAtMs, remedy }: ProblemView, nowMs: number): string[] {
  const lasting = `since ${readableMoment(sinceAtMs, nowMs)} (${readableDuration(nowMs - sinceAtMs)})`;
  const next = nextTryAtMs === null ? [] : [`next try ${readableWait(nextTryAtMs, nowMs)}`];
  return [[lasting, ...next].join(', '), ...(remedy === null ? [] : [`what to do: ${remedy}`])];
}

// What the page says in words. They are made here, beside the daemon, because a browser may be in
// another time zone: all times of a page are those of the machine, as in the log.
import type { FileListView, FileView } from './file-list.ts';
import { moreText } from './file-list-text.ts';
import { forecastText } from './forecast-text.ts';
import { INGEST_DOWN, refusedText } from './ingest-text.ts';
import type { IngestView } from './ingest-view.ts';
import type { ProblemView } from './problem-view.ts';
import { readableCount, readableMoment, readableWait } from './readable.ts';
import type { Snapshot } from './snapshot.ts';
import { doing, skippedText, waitingText } from './status-text.ts';
import { pauseText, shareText } from './steering-text.ts';

/** What happens sooner than this is told as a duration. */
const SOON_MS = 120_000;

/** Texts by the name of their place on the page. */
export type Texts = Readonly<Record<string, string>>;

export interface PageWords {
  readonly texts: Texts;
  /** Texts for the entries of a list of the snapshot, by the list's path, in the list's order. */
  readonly rows: Readonly<Record<string, readonly Texts[]>>;
}

/** The lists that the page shows beside the snapshot. */
export interface PageLists {
  readonly deferred: FileListView;
  readonly quarantined: FileListView;
}

export function pageWords(snapshot: Snapshot, { deferred, quarantined }: PageLists): PageWords {
  const { backlog, steering, uptimeMs, problems, ingest, takenAtMs: wallMs } = snapshot;
  const [headline = '', ...details] = doing(snapshot);
  const at = new Date(wallMs);
  const words = (files: readonly FileView[]) => files.map((file) => timesOf(file, wallMs));
  return {
    texts: {
      headline,
      details: details.join(' · '),
      outlook: forecastText(backlog.forecast),
      share: shareText(steering, wallMs),
      pause: pauseText(steering, wallMs) ?? '',
      since: readableMoment(wallMs - uptimeMs, wallMs),
      clock: at.toTimeString().slice(0, 8),
      zone: zoneText(at),
      timeZone: timeZone(),
      moreDeferred: moreText(deferred),
      moreQuarantined: moreText(quarantined),
      ...(ingest ? ingestWords(ingest, wallMs) : {}),
      title: titleText(snapshot),
      announcement: announcementText(snapshot),
    },
    rows: {
      problems: problems.map((problem) => timesOf(problem, wallMs)),
      'recent.uploads': words(snapshot.recent.uploads),
      'recent.failures': words(snapshot.recent.failures),
      'lists.deferred.files': words(deferred.files),
      'lists.quarantined.files': words(quarantined.files),
      'backlog.waiting': backlog.waiting.map((kind) => ({ what: waitingText(kind) })),
      'backlog.skipped': backlog.skipped.map((kind) => ({ what: skippedText(kind) })),
    },
  };
}

function ingestWords(ingest: IngestView, wallMs: number): Texts {
  const { urls, isUp, lastAcceptedAtMs } = ingest;
  return {
    ingestAt: isUp ? urls.join(' and ') : INGEST_DOWN,
    lastAccepted: lastAcceptedAtMs === null ? 'never' : readableMoment(lastAcceptedAtMs, wallMs),
    refused: refusedText(ingest) || 'none',
  };
}

function timesOf({ sinceAtMs, nextTryAtMs }: FileView | ProblemView, wallMs: number): Texts {
  return {
    since: sinceAtMs === null ? '' : readableMoment(sinceAtMs, wallMs),
    nextTry: momentText(nextTryAtMs, wallMs),
  };
}

/** `in 8 s`, `at 14:32`; empty if there is none. */
function momentText(atMs: number | null, wallMs: number): string {
  if (atMs === null) return '';
  return atMs - wallMs < SOON_MS ? readableWait(atMs, wallMs) : `at ${readableMoment(atMs, wallMs)}`;
}

/** Changes with the state, the verdict, the reason of a pause and the count of problems alone. */
function announcementText({ state, waitingFor, problems, backlog: { forecast } }: Snapshot): string {
  const known = forecast.verdict !== 'empty' && forecast.verdict !== 'unknown';
  const does = known ? `${state}, ${forecast.verdict.replace('-', ' ')}` : state;
  const grave = problems.filter(({ severity }) => severity === 'degraded').length;
  const trouble = grave === 0 ? '' : `; ${grave} ${grave === 1 ? 'problem' : 'problems'}`;
  return `${waitingFor === null ? does : `${state}: ${waitingFor}`}${trouble}`;
}

/** `3,000 · draining`, for the title of a tab. */
function titleText({ state, backlog }: Snapshot): string {
  return backlog.files === 0 ? state : `${readableCount(backlog.files)} · ${state}`;
}

/** `UTC+01:00 (Europe/Berlin)`. */
function zoneText(at: Date): string {
  const [, offset = '+0000'] = /GMT([+-]\d{4})/.exec(at.toTimeString()) ?? [];
  return `UTC${offset.slice(0, 3)}:${offset.slice(3)} (${timeZone()})`;
}

function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// What the page says in words. They are made here, beside the daemon, because a browser may be in
// another time zone: all times of a page are those of the machine, as in the log.
import { forecastText } from './forecast-text.ts';
import { readableCount, readableDuration, readableMoment } from './readable.ts';
import type { ProblemView, Snapshot } from './snapshot.ts';
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

export function pageWords(snapshot: Snapshot): PageWords {
  const { backlog, steering, uptimeMs, problems, takenAtMs: wallMs } = snapshot;
  const [headline = '', ...details] = doing(snapshot);
  const at = new Date(wallMs);
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
      title: titleText(snapshot),
      announcement: announcementText(snapshot),
    },
    rows: {
      problems: problems.map((problem) => problemWords(problem, wallMs)),
      'backlog.waiting': backlog.waiting.map((kind) => ({ what: waitingText(kind) })),
      'backlog.skipped': backlog.skipped.map((kind) => ({ what: skippedText(kind) })),
    },
  };
}

function problemWords({ sinceAtMs, nextTryAtMs }: ProblemView, wallMs: number): Texts {
  return { since: readableMoment(sinceAtMs, wallMs), nextTry: momentText(nextTryAtMs, wallMs) };
}

/** `in 8 s`, `at 14:32`; empty if there is none. */
function momentText(atMs: number | null, wallMs: number): string {
  if (atMs === null) return '';
  const inMs = atMs - wallMs;
  return inMs < SOON_MS ? `in ${readableDuration(inMs)}` : `at ${readableMoment(atMs, wallMs)}`;
}

/** Changes only when the state, the verdict or the reason of a pause does. */
function announcementText({ state, waitingFor, backlog: { forecast } }: Snapshot): string {
  if (waitingFor !== null) return `${state}: ${waitingFor}`;
  return forecast.verdict === 'empty' || forecast.verdict === 'unknown'
    ? state
    : `${state}, ${forecast.verdict.replace('-', ' ')}`;
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

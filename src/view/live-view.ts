// Renders the daemon's state as a few lines for a terminal, or as one line elsewhere. Pure
// functions: snapshot and history in, text out. No line is wider than the terminal; colour adds no
// width.

import { forecastText } from './forecast-text.ts';
import { LINE, renderGraph } from './graph.ts';
import type { LiveHistory } from './live-history.ts';
import { readableCount, readableFiles, readableNumber, readableRate, readableSize } from './readable.ts';
import { slowLineText } from './slow-line-text.ts';

import type { BacklogView, LinkView, Snapshot } from './snapshot.ts';
import { FLOOR_ENGAGED, oldest, skippedText, waitingText, whereToLook } from './status-text.ts';

export interface LiveOptions {
  /** The width of the terminal. */
  readonly columns: number;
  readonly color: boolean;
}

type History = Pick<LiveHistory, 'totalsBitsPerSec' | 'deepestFiles'>;

const GRAPH_ROWS = 6;
const WIDEST = 100;
const BARS = /[▁-█]+/g;
const LINES = new RegExp(`${LINE}+`, 'g');
/**
 * SGR parameters (ECMA-48). They use the terminal's own palette, so that light and dark themes both
 * work.
 */
const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Ink = keyof typeof SGR;

/** The whole view, without a newline at its end. */
export function renderLive(snapshot: Snapshot, history: History, options: LiveOptions): string {
  const width = Math.max(1, Math.min(options.columns, WIDEST));
  const ink = (name: Ink, text: string): string =>
    options.color && text.trim() !== '' ? `\x1b[${SGR[name]}m${text}\x1b[0m` : text;
  const fit = (text: string): string => [...text].slice(0, width).join('');
  return [
    ink('bold', fit(headline(snapshot))),
    ink('green', progressBar(snapshot.backlog, history.deepestFiles, width)),
    fit(outlook(snapshot.backlog)),
    fit(pace(snapshot)),
    '',
    fit(rates(snapshot.link)),
    ...graph(snapshot.link, history, width).map((row) =>
      row.replace(BARS, (bars) => ink('cyan', bars)).replace(LINES, (line) => ink('yellow', line)),
    ),
    ...notices(snapshot).map((notice) => ink('red', fit(notice))),
  ].join('\n');
}

/** The same in one line, for logs, pipes and dumb terminals. */
export function renderPlain(snapshot: Snapshot): string {
  const { backlog, link } = snapshot;
  return [headline(snapshot), outlook(backlog), pace(snapshot), rates(link), ...notices(snapshot)].join('; ');
}

function headline({ state, backlog, link }: Snapshot): string {
  const left = `${readableFiles(backlog.files)} to go (${readableSize(backlog.bytes)})${oldest(backlog)}`;
  const doing = backlog.countedByScan ? `${state}, counted by scans` : state;
  const line = link === null ? 'no link yet' : `${link.interface} ${readableRate(link.capacityBitsPerSec)}`;
  return `${left} · ${doing} · ${line}`;
}

function progressBar(backlog: BacklogView, deepestFiles: number, width: number): string {
  const done = deepestFiles === 0 ? 1 : 1 - backlog.files / deepestFiles;
  // Shows 100 % only when nothing is left.
  const percent = `${String(Math.floor(done * 100)).padStart(4)} %`;
  const cells = Math.max(0, width - percent.length);
  const filled = Math.round(Math.min(1, Math.max(0, done)) * cells);
  return ('━'.repeat(filled) + '┄'.repeat(cells - filled) + percent).slice(0, width);
}

function pace({ backlog, uploads, totals }: Snapshot): string {
  return [
    flow(backlog),
    `${readableCount(totals.deletedFiles)} verified, deleted`,
    `uploads ${uploads.active} of ${uploads.limit}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function flow({ flow: { lastMinute } }: BacklogView): string {
  if (lastMinute === null) return '';
  const { arrivedFilesPerSec, drainedFilesPerSec } = lastMinute;
  return `in ${readableNumber(arrivedFilesPerSec)}, out ${readableNumber(drainedFilesPerSec)} files/s`;
}

function outlook({ forecast, skipped }: BacklogView): string {
  if (forecast.verdict !== 'empty') return forecastText(forecast) || 'ETA unknown';
  return skipped.length === 0 ? 'nothing to do' : 'nothing that can be uploaded';
}

function rates(link: LinkView | null): string {
  if (link === null) return 'nothing is sent yet';
  const { totalBitsPerSec: total, ownBitsPerSec: own, crossBitsPerSec: cross } = link;
  return [
    `total ${readableRate(total)}`,
    `own ${readableRate(own)}`,
    `others ${readableRate(cross)}`,
    `target ${readableRate(link.targetBitsPerSec)}`,
  ].join(' · ');
}

function graph(link: LinkView | null, history: History, width: number): string[] {
  if (link === null) return [];
  const { targetBitsPerSec: level, capacityBitsPerSec: capacity } = link;
  // At a share of 50 %, the upper edge is the whole capacity. At a small share, the target stays in
  // the middle.
  const top = Math.min(capacity, level * 2);
  const label = ` ${readableRate(level)}`;
  const columns = width - label.length;
  if (columns < 10) return [];
  return renderGraph(history.totalsBitsPerSec, { columns, rows: GRAPH_ROWS, top, level, label });
}

function notices({ state, unit, waitingFor, backlog, link }: Snapshot): string[] {
  const notes: string[] = [];
  if (waitingFor !== null) {
    notes.push(`${state === 'paused' ? 'paused' : 'waiting'}: ${waitingFor}`, whereToLook(unit));
  }
  if (link?.degraded)
    notes.push(`${link.interface} cannot be measured just now: sending at most half the target`);
  if (link?.floorEngaged) notes.push(FLOOR_ENGAGED);
  if (backlog.written > 0) notes.push(`${readableCount(backlog.written)} still being written`);
  const slowLine = link === null ? undefined : slowLineText(link);
  if (slowLine !== undefined) notes.push(slowLine);
  if (backlog.deferred > 0)
    notes.push(
      `${readableCount(backlog.deferred)} will be tried again`,
      ...backlog.waiting.map((kind) => `${waitingText(kind)}: ${kind.message}`),
    );
  if (backlog.quarantined > 0)
    notes.push(`${readableFiles(backlog.quarantined)} in quarantine: halfpipe quarantine list`);
  notes.push(...backlog.skipped.map((kind) => `${skippedText(kind)}: ${kind.remedy}`));
  return notes;
}

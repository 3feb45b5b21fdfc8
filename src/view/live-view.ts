// Renders the daemon's state for a terminal, or as one line elsewhere. Pure functions: snapshot and
// history in, text out. No line is wider than the terminal, and there are no more lines than fit;
// colour adds no width.

import type { BacklogView } from './backlog-view.ts';
import { fitted } from './columns.ts';
import { failuresSection, sendingSection, uploadsSection } from './file-sections.ts';
import { forecastText } from './forecast-text.ts';
import { renderGraph } from './graph.ts';
import { ingestPaceText } from './ingest-text.ts';
import { type Painter, painter } from './ink.ts';
import type { LiveHistory } from './live-history.ts';
import { NAME_COLUMNS, problemSection, renderSections, type Section } from './live-sections.ts';
import {
  readableCount,
  readableFiles,
  readableNumber,
  readablePackets,
  readableRate,
  readableSize,
} from './readable.ts';
import type { LinkView, Snapshot } from './snapshot.ts';
import { gatheredText, oldest } from './status-text.ts';

export interface LiveOptions {
  readonly columns: number;
  /** How many lines there may be. */
  readonly rows: number;
  readonly color: boolean;
  /** Stands in place of the first line, because the daemon does not answer. */
  readonly lost?: string | undefined;
  /** The last lines: the keys. */
  readonly footer?: readonly string[];
}

type History = Pick<LiveHistory, 'rates' | 'deepestFiles'>;

const WIDEST = 160;
/** The rows of the graph on a screen with at least so many lines. */
const GRAPH_ROWS: readonly (readonly [lines: number, rows: number])[] = [
  [36, 10],
  [22, 6],
  [16, 4],
  [10, 3],
];

/** The whole view, without a newline at its end. */
export function renderLive(snapshot: Snapshot, history: History, options: LiveOptions): string {
  const { rows, footer = [], lost } = options;
  const columns = Math.max(1, Math.min(options.columns, WIDEST));
  const paint = painter(options.color);
  const { link, backlog, ingest } = snapshot;
  const head = [
    paint(lost === undefined ? 'bold' : 'red', fitted(lost ?? headline(snapshot), columns)),
    paint('green', progressBar(backlog, history.deepestFiles, columns)),
    fitted(outlook(backlog), columns),
    fitted(pace(snapshot), columns),
    ...(ingest ? [fitted(ingestPaceText(ingest), columns)] : []),
    fitted(rates(link), columns),
    ...graph(link, history, { rows, columns, paint }),
  ];
  const foot = footer.slice(-rows).map((line) => paint('dim', fitted(line, columns)));
  const left = rows - head.length - foot.length;
  const sections = renderSections(sectionsOf(snapshot, columns), {
    rows: left,
    columns,
    paint,
  });
  return [...head.slice(0, rows - foot.length), ...sections, ...foot].join('\n');
}

/** The most urgent first. */
function sectionsOf({ problems, uploads, recent, takenAtMs }: Snapshot, columns: number): readonly Section[] {
  const screen = { nowMs: takenAtMs, columns: columns - NAME_COLUMNS };
  return [
    problemSection(problems, screen),
    sendingSection(uploads.files, screen),
    failuresSection(recent.failures, screen),
    uploadsSection(recent.uploads, screen),
  ];
}

/** The same in one line, for logs, pipes and dumb terminals. */
export function renderPlain(snapshot: Snapshot): string {
  const { backlog, link, problems, ingest } = snapshot;
  const wrong = problems.map(({ message, remedy }) => (remedy === null ? message : `${message}: ${remedy}`));
  const arriving = ingest ? [ingestPaceText(ingest)] : [];
  const parts = [headline(snapshot), outlook(backlog), pace(snapshot), ...arriving, rates(link)];
  return [...parts, ...wrong].join('; ');
}

function headline({ state, backlog, link }: Snapshot): string {
  const left = `${readableFiles(backlog.files)} to go (${readableSize(backlog.bytes)})${oldest(backlog)}`;
  const doing = backlog.countedByScan ? `${state}, counted by scans` : state;
  const line = link === null ? 'no link yet' : `${link.interface} ${readableRate(link.capacityBitsPerSec)}`;
  return `${doing} · ${left} · ${line}`;
}

function progressBar(backlog: BacklogView, deepestFiles: number, width: number): string {
  const done = deepestFiles === 0 ? 1 : 1 - backlog.files / deepestFiles;
  // Shows 100 % only when nothing is left.
  const percent = `${String(Math.floor(done * 100)).padStart(4)} %`;
  const cells = Math.max(0, width - percent.length);
  const filled = Math.round(Math.min(1, Math.max(0, done)) * cells);
  return ('━'.repeat(filled) + '┄'.repeat(cells - filled) + percent).slice(0, width);
}

function pace({ backlog, uploads, packets, totals }: Snapshot): string {
  return [
    flow(backlog),
    `${readableCount(totals.deletedFiles)} verified, deleted${packetsText(totals)}`,
    `uploads ${uploads.active} of ${uploads.limit}`,
    gatheredText(packets),
    backlog.written === 0 ? '' : `${readableCount(backlog.written)} still being written`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** `, 12 packets`, or nothing. */
function packetsText({ uploadedPackets }: Snapshot['totals']): string {
  if (uploadedPackets === 0) return '';
  return `, ${readablePackets(uploadedPackets)}`;
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
    `target ${readableRate(link.targetBitsPerSec)}`,
    `own ${readableRate(own)}`,
    `others ${readableRate(cross)}`,
  ].join(' · ');
}

function graph(
  link: LinkView | null,
  history: History,
  { rows, columns, paint }: { readonly rows: number; readonly columns: number; readonly paint: Painter },
): string[] {
  if (link === null) return [];
  const { targetBitsPerSec: level, capacityBitsPerSec: capacity } = link;
  // At a share of 50 %, the upper edge is the whole capacity. At a small share, the target stays in
  // the middle.
  const top = Math.min(capacity, level * 2);
  const label = ` ${readableRate(level)}`;
  const width = columns - label.length;
  const height = GRAPH_ROWS.find(([lines]) => rows >= lines)?.[1] ?? 0;
  if (width < 10) return [];
  return renderGraph(history.rates, { columns: width, rows: height, top, level, label }, paint);
}

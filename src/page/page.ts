// The page of a running daemon, in the browser. The daemon says what is shown and in which words;
// this only puts it into the document.
import type { LinkView } from '../view/snapshot.ts';
import { elementById, localTime } from './browser.ts';
import { type Connection, Feed } from './feed.ts';
import { type Fields, fillDocument } from './fields.ts';
import { LinkChart } from './link-chart.ts';
import type { Sample } from './rate-series.ts';

const chart = new LinkChart();
let state: Fields = {};
let announced = '';

function onChange(changed: Fields, isFirst: boolean): void {
  // After an upgrade of the daemon, this script is the old one's.
  if (isFirst && state.version !== undefined && state.version !== changed.version) location.reload();
  state = isFirst ? changed : { ...state, ...changed };
  fillDocument(state);
  document.body.dataset.state = String(state.state);
  const words = textsOf(state.words);
  document.title = `${words.title} · ${state.unit}`;
  chart.setTimeZone(words.timeZone ?? 'UTC');
  const sample = sampleOf(state);
  if (isFirst) void chart.reload();
  else if (sample !== undefined) chart.add(sample);
  announce(words.announcement ?? '');
}

function onConnection(connection: Connection): void {
  document.body.dataset.connection = connection.kind;
  elementById('connection').textContent = connectionText(connection);
}

function connectionText(connection: Connection): string {
  if (connection.kind === 'live') return 'live';
  if (connection.sinceMs === undefined) return 'no connection to halfpipe: trying again';
  return `connection lost at ${localTime(connection.sinceMs)}: the figures are of that time, trying again`;
}

/** Tells screen readers what has changed in kind, and not which figures have moved. */
function announce(text: string): void {
  if (text === announced) return;
  announced = text;
  elementById('announcement').textContent = text;
}

function sampleOf({ link, takenAtMs }: Fields): Sample | undefined {
  if (!isLink(link) || typeof takenAtMs !== 'number') return undefined;
  const { ownBitsPerSec: own, crossBitsPerSec: cross } = link;
  return { atMs: takenAtMs, own, cross, target: link.targetBitsPerSec, capacity: link.capacityBitsPerSec };
}

function isLink(link: unknown): link is LinkView {
  return typeof link === 'object' && link !== null && 'ownBitsPerSec' in link;
}

function textsOf(words: unknown): Readonly<Record<string, string>> {
  return typeof words === 'object' && words !== null ? { ...words } : {};
}

elementById('host').textContent = location.host;
chart.start();
new Feed({ onChange, onConnection }).start();

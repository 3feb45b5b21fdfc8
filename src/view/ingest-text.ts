// What arrives over HTTP, in words. Every view uses these.
import type { AcceptedView, IngestView } from './ingest-view.ts';
import { readableCount, readableDuration, readableFiles, readableNumber, readableSize } from './readable.ts';

/** The problems say why. */
export const INGEST_DOWN = 'receives nothing now';
/** How many kinds of refusals one line shows. */
const KINDS_MAX = 3;

/** `https://192.0.2.7; 12 files (1.2 MB) accepted, the last 3 s ago; 3 refused (3 busy)`. */
export function ingestText(ingest: IngestView, nowMs: number): string {
  const { urls, isUp, receiving, lastAcceptedAtMs } = ingest;
  const accepted = acceptedText(ingest);
  const last =
    lastAcceptedAtMs === null ? '' : `, the last ${readableDuration(nowMs - lastAcceptedAtMs)} ago`;
  return [
    isUp ? urls.join(' and ') : INGEST_DOWN,
    `${accepted}${last}`,
    receiving === 0 ? '' : `receiving ${readableCount(receiving)}`,
    refusedText(ingest),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** `1,234 files (120 MB) accepted`. */
export function acceptedText(ingest: IngestView): string {
  const { files, bytes } = acceptedOf(ingest);
  return `${readableFiles(files)} (${readableSize(bytes)}) accepted`;
}

/** `over HTTP 4.86 files/s (1.2 MB/s) · 12 files (1.2 MB) accepted · receiving 2`. */
export function ingestPaceText(ingest: IngestView): string {
  const { lastMinute, receiving } = ingest;
  const rate =
    lastMinute === null
      ? 'over HTTP'
      : `over HTTP ${readableNumber(lastMinute.filesPerSec)} files/s (${readableSize(lastMinute.bytesPerSec)}/s)`;
  return [rate, acceptedText(ingest), `receiving ${readableCount(receiving)}`, refusedText(ingest)]
    .filter((part) => part !== '')
    .join(' · ');
}

/** `12 refused (10 unauthorized, 2 name-taken)`, or nothing. */
export function refusedText({ refused }: Pick<IngestView, 'refused'>): string {
  const met = Object.entries(refused).filter(([, count]) => count > 0);
  if (met.length === 0) return '';
  met.sort(([, one], [, other]) => other - one);
  const told = met.slice(0, KINDS_MAX).map(([kind, count]) => `${readableCount(count)} ${kind}`);
  if (met.length > KINDS_MAX) told.push('…');
  const all = met.reduce((sum, [, count]) => sum + count, 0);
  return `${readableCount(all)} refused (${told.join(', ')})`;
}

/** All files that were accepted, whatever the outcome. */
export function acceptedOf({ accepted }: Pick<IngestView, 'accepted'>): AcceptedView {
  const all = Object.values(accepted);
  return {
    files: all.reduce((sum, { files }) => sum + files, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

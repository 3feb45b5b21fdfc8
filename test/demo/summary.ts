// The one-screen summary at the end of the first run.
import { acceptedOf, refusedText } from '../../src/view/ingest-text.ts';
import { readableCount, readableFiles, readableNumber, readableSize } from '../../src/view/readable.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { type LinkFigures, RECORD_INTERVAL_MS } from './link-recorder.ts';
import type { ProducerTally } from './producer-child.ts';

export interface Outcome {
  readonly snapshot: Snapshot;
  /** Undefined: the link was never in use. */
  readonly figures: LinkFigures | undefined;
  readonly images: number;
  readonly matches: number;
  /** What the producers were answered; undefined if no image came over HTTP. */
  readonly arrived: ProducerTally | undefined;
}

export function renderSummary({ snapshot, figures, images, matches, arrived }: Outcome): string {
  const { totals, link, backlog } = snapshot;
  const files = [
    `${readableCount(totals.uploadedFiles)} uploaded`,
    `${readableCount(totals.verifiedFiles)} verified`,
    `${readableCount(totals.deletedFiles)} deleted`,
    `${readableCount(totals.retries)} retried`,
  ];
  const left = backlog.files === 0 ? '' : `   (${readableCount(backlog.files)} still to go)`;
  const rows: [string, string][] = [
    ...(arrived === undefined ? [] : [['http', arrivals(arrived, snapshot)] satisfies [string, string]]),
    ['files', files.join(', ') + left],
    ['bytes', bytes(totals.uploadedBytes, totals.uploadedFiles, figures)],
    ['link', figures === undefined ? 'not used' : rates(figures, link?.capacityBitsPerSec ?? 0)],
    ['', `(${link?.interface}'s own counter, read every ${RECORD_INTERVAL_MS} ms, first upload to last)`],
    ['bucket', `${readableCount(matches)} of ${readableCount(images)} match`],
  ];
  return ['', ...rows.map(([name, text]) => `  ${name.padEnd(8)}${text}`), ''].join('\n');
}

/** What producers saw, and how many requests the daemon has refused. */
function arrivals({ accepted, elapsedMs }: ProducerTally, { ingest }: Snapshot): string {
  const seconds = Math.max(0.001, elapsedMs / 1_000);
  const files = `${readableFiles(accepted)} accepted`;
  const size = ingest === null ? '' : ` (${readableSize(acceptedOf(ingest).bytes)})`;
  const speed = `in ${readableNumber(seconds)} s, ${readableNumber(accepted / seconds)} files/s`;
  return `${files}${size} over HTTP ${speed}; ${(ingest && refusedText(ingest)) || 'none refused'}`;
}

function bytes(uploadedBytes: number, uploadedFiles: number, figures: LinkFigures | undefined): string {
  if (figures === undefined) return readableSize(uploadedBytes);
  const filesPerSec = readableNumber(uploadedFiles / figures.seconds);
  return `${readableSize(uploadedBytes)} in ${readableNumber(figures.seconds)} s, ${filesPerSec} files/s`;
}

function rates({ meanBitsPerSec, largestSecondBitsPerSec }: LinkFigures, capacityBitsPerSec: number): string {
  const percent = (rate: number): string => `${((rate / capacityBitsPerSec) * 100).toFixed(1)} %`;
  return `mean ${percent(meanBitsPerSec)} of capacity, largest second ${percent(largestSecondBitsPerSec)}`;
}

// The one-screen summary at the end of the first run.
import { readableCount, readableNumber, readableSize } from '../../src/view/readable.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { type LinkFigures, RECORD_INTERVAL_MS } from './link-recorder.ts';

export interface Outcome {
  readonly snapshot: Snapshot;
  /** Undefined: the link was never in use. */
  readonly figures: LinkFigures | undefined;
  readonly images: number;
  readonly matches: number;
}

export function renderSummary({ snapshot, figures, images, matches }: Outcome): string {
  const { totals, link, backlog } = snapshot;
  const files = [
    `${readableCount(totals.uploadedFiles)} uploaded`,
    `${readableCount(totals.verifiedFiles)} verified`,
    `${readableCount(totals.deletedFiles)} deleted`,
    `${readableCount(totals.retries)} retried`,
  ];
  const left = backlog.files === 0 ? '' : `   (${readableCount(backlog.files)} still to go)`;
  const rows: [string, string][] = [
    ['files', files.join(', ') + left],
    ['bytes', bytes(totals.uploadedBytes, totals.uploadedFiles, figures)],
    ['link', figures === undefined ? 'not used' : rates(figures, link?.capacityBitsPerSec ?? 0)],
    ['', `(${link?.interface}'s own counter, read every ${RECORD_INTERVAL_MS} ms, first upload to last)`],
    ['bucket', `${readableCount(matches)} of ${readableCount(images)} match`],
  ];
  return ['', ...rows.map(([name, text]) => `  ${name.padEnd(8)}${text}`), ''].join('\n');
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

// The files of the live view: those on their way with a bar each, and those that were uploaded or
// failed last. Pure functions.
import { printable } from '../system/printable.ts';
import { columnsOf, fittedEnd } from './columns.ts';
import type { FileView } from './file-list.ts';
import type { Section } from './live-sections.ts';
import { readableDuration, readableSize } from './readable.ts';

export interface FilesOnScreen {
  readonly nowMs: number;
  /** The columns for a line, without the name of the section. */
  readonly columns: number;
}

/** The width of a bar, on a line with at least so many columns. */
const BAR_COLUMNS: readonly (readonly [columns: number, bar: number])[] = [
  [90, 20],
  [50, 10],
  [0, 0],
];
/** The columns of `62 %` or `read ahead`, and of `100 MB`. */
const SHARE_COLUMNS = 10;
const SIZE_COLUMNS = 8;
/** The columns of `3 min 20 s ago`. */
const AGE_COLUMNS = 14;

/** `━━━━━━┄┄┄┄       62 %  20.0 MB  camera/1.jpg` */
export function sendingSection(files: readonly FileView[], { columns }: FilesOnScreen): Section {
  const bar = BAR_COLUMNS.find(([least]) => columns >= least)?.[1] ?? 0;
  return {
    name: 'sending',
    ink: undefined,
    entries: files.map(({ path, state, sizeBytes, sentBytes }) => {
      const part = sizeBytes === null || sizeBytes === 0 ? 0 : Math.min(1, (sentBytes ?? 0) / sizeBytes);
      const filled = Math.round(part * bar);
      const done = state === 'sending' ? `${Math.floor(part * 100)} %` : state;
      const head = [
        ...(bar === 0 ? [] : ['━'.repeat(filled) + '┄'.repeat(bar - filled)]),
        done.padStart(SHARE_COLUMNS),
        sizeText(sizeBytes),
      ].join(' ');
      return [line(head, path, columns)];
    }),
  };
}

/** `    12 s ago    120 kB in 1 s  camera/2.jpg` */
export function uploadsSection(files: readonly FileView[], screen: FilesOnScreen): Section {
  return {
    name: 'uploaded',
    ink: 'green',
    entries: files.map(({ path, sizeBytes, sinceAtMs, durationMs, key }) => {
      const took = durationMs === null ? '' : ` in ${readableDuration(durationMs)}`;
      // The path is shown safely already, and the key is the name itself.
      const shown = printable(key ?? path);
      const as = shown === path ? '' : ` → ${shown}`;
      const head = `${ageText(sinceAtMs, screen)} ${sizeText(sizeBytes)}${took}`;
      return [line(head, `${path}${as}`, screen.columns)];
    }),
  };
}

/** `    12 s ago  camera/3.jpg: what is wrong (next try in 20 s)` */
export function failuresSection(files: readonly FileView[], screen: FilesOnScreen): Section {
  return {
    name: 'failed',
    ink: 'yellow',
    entries: files.map(({ path, state, sinceAtMs, reason, nextTryAtMs }) => {
      const wait = nextTryAtMs === null ? undefined : nextTryAtMs - screen.nowMs;
      const next =
        wait === undefined ? state : wait <= 0 ? 'tried again' : `next try in ${readableDuration(wait)}`;
      return [`${ageText(sinceAtMs, screen)}  ${path} (${next}): ${reason ?? state}`];
    }),
  };
}

/** The end of a path is kept, because folders repeat. */
function line(head: string, path: string, columns: number): string {
  return `${head}  ${fittedEnd(path, columns - columnsOf(head) - 2)}`;
}

function sizeText(sizeBytes: number | null): string {
  return (sizeBytes === null ? '' : readableSize(sizeBytes)).padStart(SIZE_COLUMNS);
}

function ageText(atMs: number | null, { nowMs }: FilesOnScreen): string {
  const age = atMs === null ? '' : `${readableDuration(nowMs - atMs)} ago`;
  return age.padStart(AGE_COLUMNS);
}

// A list of files in words: a line a file, and below it why it is there.
import { printable } from '../system/printable.ts';
import type { FileListName, FileListView, FileView } from './file-list.ts';
import {
  readableCount,
  readableDuration,
  readableFiles,
  readableMoment,
  readableSize,
  readableWait,
} from './readable.ts';

const TITLES: Readonly<Record<FileListName, string>> = {
  waiting: 'waiting, in the order of upload',
  sending: 'in flight',
  deferred: 'deferred',
  skipped: 'skipped: never uploaded',
  quarantined: 'in quarantine',
  recent: 'handled last, the newest first',
};

export function fileListText(view: FileListView, nowMs: number): string {
  const { list, files, total } = view;
  const lines = files.flatMap((file) => linesOf(list, file, nowMs));
  const more = moreText(view);
  const counted = list === 'skipped' ? readableCount(total) : readableFiles(total);
  return [`${counted} ${TITLES[list]}`, ...lines, ...(more === '' ? [] : [`  ${more}`])].join('\n');
}

/** `… and 12 more`, if the list leaves files out. */
export function moreText({ files, total }: Omit<FileListView, 'list'>): string {
  const left = total - files.length;
  return left > 0 && files.length > 0 ? `… and ${readableCount(left)} more` : '';
}

function linesOf(list: FileListName, file: FileView, nowMs: number): string[] {
  const { reason, remedy } = file;
  const facts = factsOf(list, file, nowMs).filter((fact) => fact !== undefined);
  const first = `  ${printable(file.path)}  ${printable(facts.join(', '))}`;
  const why = [reason, remedy].filter((part) => part !== null).join('. ');
  return why === '' ? [first] : [first, `      ${printable(why)}`];
}

function factsOf(list: FileListName, file: FileView, nowMs: number): (string | undefined)[] {
  const size = file.sizeBytes === null ? undefined : readableSize(file.sizeBytes);
  const age = file.modifiedAtMs === null ? undefined : `${readableDuration(nowMs - file.modifiedAtMs)} old`;
  const next = file.nextTryAtMs === null ? undefined : `next try ${readableWait(file.nextTryAtMs, nowMs)}`;
  const since = file.sinceAtMs === null ? undefined : readableMoment(file.sinceAtMs, nowMs);
  switch (list) {
    case 'waiting':
      return [packedText(file), file.state === 'waiting' ? undefined : file.state, size, age];
    case 'sending':
      return [file.state, packedText(file), sentText(file), age];
    case 'deferred':
      return [file.state, size, age, attemptsText(file.attempts), next];
    case 'skipped':
      return [file.state];
    case 'quarantined':
      return [size, since === undefined ? undefined : `since ${since}`, file.id ?? undefined];
    case 'recent': {
      const took = file.durationMs === null ? undefined : `in ${(file.durationMs / 1000).toFixed(2)} s`;
      const key = file.key === null ? undefined : `${file.member === null ? 'as' : 'in'} ${file.key}`;
      const digest = file.sha256 === null ? undefined : `sha256 ${file.sha256}`;
      return [`${file.state} ${since}`, size, took, key, digest, next];
    }
  }
}

/** `500 files as packets/….zip`. */
function packedText({ files, key }: FileView): string | undefined {
  return files === null ? undefined : `${readableFiles(files)} as ${key}`;
}

function sentText({ sentBytes, sizeBytes }: FileView): string | undefined {
  if (sentBytes === null || sizeBytes === null) return undefined;
  return `${readableSize(sentBytes)} of ${readableSize(sizeBytes)}`;
}

function attemptsText(attempts: number | null): string | undefined {
  if (attempts === null || attempts === 0) return undefined;
  return `failed ${attempts === 1 ? 'once' : `${readableCount(attempts)} times`}`;
}

// What `halfpipe plan` prints, as text and as JSON. Pure functions.
import type { Settings } from '../config/settings.ts';
import { formatSize } from '../config/units.ts';
import { printable } from '../system/printable.ts';
import {
  readableCount,
  readableDuration,
  readableFiles,
  readableMoment,
  readablePackets,
  readableRate,
  readableSize,
} from '../view/readable.ts';
import type { LeftOut, PlannedFile } from './plan-tally.ts';
import type { Survey } from './spool-survey.ts';

/** The most characters of a path that stands for others. */
const EXAMPLE_MAX = 100;

/** What the files may use of the link. */
export interface PlanPace {
  readonly targetBitsPerSec: number;
  readonly floorBitsPerSec: number;
  /** True if a running daemon told this. */
  readonly isRunning: boolean;
}

export interface Plan {
  readonly survey: Survey;
  readonly settings: Settings;
  /** Undefined if there is no link. */
  readonly pace: PlanPace | undefined;
  readonly nowMs: number;
}

export function planText(plan: Plan): string {
  const { survey, settings, nowMs } = plan;
  const { spool, s3 } = settings;
  const lines = [
    row('spool', spool.path),
    row(
      'goes',
      `${readableFiles(survey.files)}, ${readableSize(survey.bytes)}, to the bucket ${s3.bucket}${under(s3.prefix)}`,
    ),
    ...(survey.packedFiles === 0 ? [] : [row('', packedText(plan))]),
    ...(survey.inPartsFiles === 0 ? [] : [row('', inPartsText(survey))]),
    row('takes', durationText(plan)),
    row('order', spool.order),
    ...survey.first.map((file, at) => fileText(file, at, nowMs)),
    ...moreText(survey),
    ...waitsText(survey),
    ...survey.ignored.map((kind) => row('ignored', leftOutText(kind))),
    ...survey.skipped.map((kind) => row('skipped', leftOutText(kind))),
    ...survey.refused.map((kind) => row('refused', `to the quarantine: ${leftOutText(kind)}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function under(prefix: string): string {
  return prefix === '' ? '' : ` under ${printable(prefix)}`;
}

/** A long path without its middle. */
function shortened(path: string): string {
  const characters = [...path];
  if (characters.length <= EXAMPLE_MAX) return path;
  const half = EXAMPLE_MAX / 2;
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
}

function row(name: string, text: string): string {
  return `${name.padEnd(9)}${text}`;
}

function inPartsText({ inPartsFiles, parts }: Survey): string {
  return `${readableFiles(inPartsFiles)} of these in parts: ${readableCount(parts)} parts`;
}

/** Groups are not counted: each may leave a packet that is not full. */
function packedText({ survey: { packedFiles, packedBytes }, settings: { packets } }: Plan): string {
  const full = Math.max(packedBytes / packets.sizeBytes, packedFiles / packets.maxFiles);
  return `${readableFiles(packedFiles)} of these in packets: at least ${readablePackets(Math.ceil(full))}`;
}

function durationText({ survey: { bytes, files }, pace }: Plan): string {
  if (files === 0) return 'no time: there is no file to upload';
  if (pace === undefined) return 'an unknown time, because there is no link now: halfpipe check says why';
  const { targetBitsPerSec, floorBitsPerSec } = pace;
  const [least, most] = [targetBitsPerSec, floorBitsPerSec].map((rate) =>
    readableDuration(((bytes * 8) / rate) * 1000),
  );
  const source = pace.isRunning ? 'the running daemon’s target' : 'the target';
  const atBest = `${least} at ${source} of ${readableRate(targetBitsPerSec)}`;
  return targetBitsPerSec === floorBitsPerSec
    ? atBest
    : `from ${atBest} to ${most} at the floor of ${readableRate(floorBitsPerSec)}, if others fill the line`;
}

function fileText(
  { path, key, sizeBytes, modifiedAtMs, parts, unreadable }: PlannedFile,
  at: number,
  nowMs: number,
): string {
  const shownKey = key === undefined ? 'a packet' : printable(key);
  const to = shownKey === `${path}` ? '' : ` → ${shownKey}`;
  const cut = parts.isWhole
    ? ''
    : ` in ${readableCount(parts.partCount)} parts of ${formatSize(parts.partSizeBytes)}`;
  const size = `${readableSize(sizeBytes)}${cut}`;
  const unread = unreadable === undefined ? '' : `  NOT READABLE (${unreadable}): chmod or chown the file`;
  return `${String(at + 1).padStart(7)}  ${size.padStart(9)}  ${readableMoment(modifiedAtMs, nowMs).padStart(12)}  ${path}${to}${unread}`;
}

function moreText({ files, first }: Survey): readonly string[] {
  const more = files - first.length;
  return more <= 0 ? [] : [`         and ${readableCount(more)} more`];
}

function waitsText({ unsettled: { files, nextInMs, example } }: Survey): readonly string[] {
  if (files === 0) return [];
  const next = nextInMs === null ? '' : `, the first for ${readableDuration(nextInMs)}`;
  return [
    row('waits', `${readableFiles(files)} may still be written${next}, such as ${shortened(example ?? '')}`),
  ];
}

function leftOutText({ reason, remedy, count, example }: LeftOut): string {
  const what =
    count === 1 ? shortened(example) : `${readableCount(count)} names, such as ${shortened(example)}`;
  return `${what}: ${reason}${remedy === undefined ? '' : `: ${remedy}`}`;
}

export function planInJson({ survey, settings, pace }: Plan): string {
  const { spool, s3 } = settings;
  const { first, unsettled, ...totals } = survey;
  return `${JSON.stringify(
    {
      spool: spool.path,
      bucket: s3.bucket,
      order: spool.order,
      targetBitsPerSec: pace?.targetBitsPerSec ?? null,
      floorBitsPerSec: pace?.floorBitsPerSec ?? null,
      ...totals,
      unsettled: { ...unsettled, example: unsettled.example ?? null },
      first: first.map(({ path, key, sizeBytes, modifiedAtMs, parts, unreadable }) => ({
        path: `${path}`,
        key: key ?? null,
        sizeBytes,
        modifiedAtMs,
        parts: parts.isWhole ? 1 : parts.partCount,
        unreadable: unreadable ?? null,
      })),
    },
    null,
    2,
  )}\n`;
}

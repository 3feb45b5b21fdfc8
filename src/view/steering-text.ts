// What has been set on the running daemon, in words.
import type { Steered } from '../steer/steered.ts';
import { readableMoment, readableShare } from './readable.ts';

const FROM: Readonly<Record<Steered['shareFrom'], string>> = {
  command: 'set by an operator',
  timetable: 'link.timetable',
  config: 'link.share',
};

/** `paused by an operator until 14:30`; undefined while halfpipe is not paused. */
export function pauseText({ paused }: Pick<Steered, 'paused'>, nowMs: number): string | undefined {
  return paused === null ? undefined : `paused by an operator${until(paused.untilMs, nowMs)}`;
}

/** `30 % until Mon 08:00 (link.timetable)`. */
export function shareText({ share, shareFrom, shareUntilMs }: Steered, nowMs: number): string {
  return `${readableShare(share)}${until(shareUntilMs, nowMs)} (${FROM[shareFrom]})`;
}

function until(untilMs: number | null, nowMs: number): string {
  return untilMs === null ? '' : ` until ${readableMoment(untilMs, nowMs)}`;
}

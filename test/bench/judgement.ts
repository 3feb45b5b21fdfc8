// What is read off a recording, each figure beside what it must be, in percent of capacity unless it
// says otherwise.
import { type Figure, figure } from './figure.ts';
import { spread } from './link-windows.ts';
import type { ServerStats } from './null-s3.ts';
import type { Recording } from './scenario.ts';

export function judgeSteady({ total, zeroMs, endMs, served }: Recording): Figure[] {
  const seconds = spread(total.windows(zeroMs, endMs, 1000));
  const tenths = spread(total.windows(zeroMs, endMs, 100));
  return [
    figure('mean', total.mean(zeroMs, endMs), { min: 49.9, max: 50.1 }),
    figure('1 s windows, least', seconds.min, { min: 49.5 }),
    figure('1 s windows, most', seconds.max, { max: 50.6 }),
    figure('100 ms windows, p99', tenths.p99, { max: 53 }),
    figure('50 ms windows, sd', spread(total.windows(zeroMs, endMs, 50)).sd),
    ...longestPause(served),
  ];
}

/** As if the producers were not there: they are beside the link, and must not be felt on it. */
export function judgeBeside(recording: Recording): Figure[] {
  const { produced } = recording;
  const threads = Object.entries(produced?.cpuPercent ?? {}).map(([name, percent]) =>
    figure(`CPU of ${name}`, percent),
  );
  return [
    ...judgeSteady(recording),
    figure('files received a second', produced?.uploadsPerSec, { min: 1 }, 'files'),
    figure('answers other than 201', produced?.others, { max: 0 }, ''),
    ...threads,
  ];
}

/** S3 gives up a connection after some 20 s of silence. Ceph does not say. */
function longestPause(served: ServerStats | undefined): Figure[] {
  if (served === undefined) return [];
  return [figure('longest pause of a request', served.longestPauseMs, { max: 10_000 }, 'ms')];
}

/** When cross traffic really began and ended, as it arrived. */
function crossSpan(recording: Recording, fromMs: number, toMs: number, percent: number): [number, number] {
  const { cross, zeroMs } = recording;
  const began = cross.onsetMs(zeroMs + fromMs, zeroMs + fromMs + 3000, percent / 2);
  const lookMs = zeroMs + toMs - 500;
  const silence = { low: 0, high: percent / 2 };
  const silentMs = cross.settleMs(lookMs, Math.min(lookMs + 4000, cross.lastMs), 20, silence, 100);
  return [began ?? zeroMs + fromMs, silentMs === undefined ? zeroMs + toMs : lookMs + silentMs - 20];
}

export function judgeStep(recording: Recording, fromMs: number, toMs: number, percent: number): Figure[] {
  const { total, cross } = recording;
  const [onMs, offMs] = crossSpan(recording, fromMs, toMs, percent);
  const back = { low: 49, high: 100 };
  return [
    figure('mean during', total.mean(onMs, offMs), { min: 49.9, max: 50.1 }),
    figure('1 s windows after the first, most', Math.max(...total.windows(onMs + 1000, offMs, 1000)), {
      max: 50.6,
    }),
    figure(
      'back under 52 after',
      total.settleMs(onMs, offMs, 100, { low: 0, high: 52 }, 100),
      { max: 250 },
      'ms',
    ),
    figure('back above 49 after', total.settleMs(offMs, total.lastMs, 100, back, 100), { max: 1000 }, 'ms'),
    figure('others, mean', cross.mean(onMs, offMs)),
  ];
}

export function judgeOnOff({ total, cross, zeroMs, endMs }: Recording): Figure[] {
  return [
    figure('mean', total.mean(zeroMs, endMs), { min: 49, max: 50.3 }),
    figure('1 s windows, most', Math.max(...total.windows(zeroMs, endMs, 1000)), { max: 52.5 }),
    figure('others, mean', cross.mean(zeroMs, endMs)),
  ];
}

// the first seconds are the way down to the floor
const SETTLING_MS = 3000;

export function judgeFloor(recording: Recording): Figure[] {
  const { total, cross, zeroMs, endMs, served } = recording;
  const fromMs = zeroMs + SETTLING_MS;
  const others = cross.mean(fromMs, endMs);
  return [
    figure('own', total.mean(fromMs, endMs) - others, { min: 0.7, max: 1.3 }),
    figure('others, mean', others),
    figure('files completed meanwhile', served?.objects, { min: 1 }, 'files'),
    ...longestPause(served),
    figure('uploads broken off', served?.brokenOff, { max: 0 }, ''),
  ];
}

export function judgeGreedy(recording: Recording): Figure[] {
  const { total, cross, zeroMs, endMs, served } = recording;
  const fromMs = zeroMs + SETTLING_MS;
  const others = cross.mean(fromMs, endMs);
  return [
    figure('the other flow', others, { min: 90 }),
    figure('own', total.mean(fromMs, endMs) - others, { max: 1.3 }),
    figure('files completed meanwhile', served?.objects, { min: 1 }, 'files'),
    ...longestPause(served),
  ];
}

export function judgeBurst({ total, zeroMs, endMs }: Recording): Figure[] {
  const firstMs = total.onsetMs(zeroMs, endMs, 5);
  const after = (ms: number) => (firstMs === undefined ? undefined : total.mean(firstMs, firstMs + ms));
  return [
    figure('first 100 ms', after(100), { max: 60 }),
    figure('first 1 s', after(1000), { max: 52 }),
    figure('first 5 s', after(5000)),
  ];
}

export function judgeFar({ total, zeroMs, endMs }: Recording): Figure[] {
  return [
    figure('mean', total.mean(zeroMs, endMs), { min: 49, max: 50.6 }),
    figure('1 s windows, most', Math.max(...total.windows(zeroMs, endMs, 1000))),
  ];
}

export function judgeReload({ total, reloadsMs, endMs }: Recording, shares: readonly number[]): Figure[] {
  return shares.flatMap((share, n) => {
    const atMs = reloadsMs[n] ?? endMs;
    const untilMs = reloadsMs[n + 1] ?? endMs;
    const band = { low: share - 2, high: share + 2 };
    return [
      figure(`within ${share} ± 2 after`, total.settleMs(atMs, untilMs, 100, band, 200), { max: 500 }, 'ms'),
      figure(`mean at ${share}, from 1 s on`, total.mean(atMs + 1000, untilMs)),
    ];
  });
}

// The scenarios: what happens on the link while a tool moves its files, and which figures are read off the
// recording, in percent of capacity unless they say otherwise.
import type { CrossSpan } from './cross-traffic.ts';
import { type Figure, figure } from './figure.ts';
import type { LinkLoad } from './link-windows.ts';
import { spread } from './link-windows.ts';
import type { ServerStats } from './null-s3.ts';
import type { ToolName } from './tools.ts';

/** A recording of one tool in one scenario. Times are on the machine's monotonic clock. */
export interface Recording {
  readonly total: LinkLoad;
  readonly cross: LinkLoad;
  /** Where the scenario's own time begins: the tool is up and its start is over. */
  readonly zeroMs: number;
  readonly endMs: number;
  /** What the server saw from zero to the end; undefined when it does not say. */
  readonly served: ServerStats | undefined;
  /** When each change of the share was signalled. */
  readonly reloadsMs: readonly number[];
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly lengthMs: number;
  readonly fileBytes: number;
  /** `drop`: nothing until the given moment, then one file; `one`: a single file from the start. */
  readonly files: 'many' | 'one' | { readonly dropAtMs: number };
  readonly cross: readonly CrossSpan[];
  readonly roundTripMs: number;
  /** For the tools that want to be told how much to do at once. */
  readonly concurrency: number | undefined;
  readonly reloads: readonly { readonly atMs: number; readonly sharePercent: number }[];
  /** Why a tool takes no part. */
  readonly skips: Readonly<Partial<Record<ToolName, string>>>;
  judge(recording: Recording): Figure[];
}

const KB = 1000;
const QUIET = { cross: [], roundTripMs: 0, concurrency: undefined, reloads: [], skips: {} } as const;

/** Every scenario, each with `seconds` of steady measurement. */
export function scenarios(seconds: number): Scenario[] {
  const spanMs = seconds * 1000;
  const many = { ...QUIET, lengthMs: spanMs, fileBytes: 200 * KB, files: 'many' } as const;
  return [
    { ...many, name: 'alone', title: 'alone', judge: judgeSteady },
    {
      ...many,
      name: 'udp30',
      title: '30 % UDP in the second half',
      lengthMs: spanMs + 5000,
      cross: [{ fromMs: spanMs / 2, toMs: spanMs, flow: { udpPercent: 30 } }],
      judge: (recording) => judgeStep(recording, spanMs / 2, spanMs, 30),
    },
    {
      ...many,
      name: 'onoff',
      title: '30 % UDP, 2 s on, 2 s off',
      cross: Array.from({ length: Math.floor(seconds / 4) }, (_, n) => ({
        fromMs: n * 4000,
        toMs: n * 4000 + 2000,
        flow: { udpPercent: 30 },
      })),
      judge: judgeOnOff,
    },
    {
      ...many,
      name: 'udp60',
      title: '60 % UDP',
      cross: [{ fromMs: 0, toMs: spanMs, flow: { udpPercent: 60 } }],
      judge: judgeFloor,
    },
    {
      ...many,
      name: 'tcp',
      title: 'greedy TCP beside it',
      cross: [{ fromMs: 0, toMs: spanMs, flow: 'greedy TCP' }],
      judge: judgeGreedy,
    },
    {
      ...many,
      name: 'idle',
      title: '15 s idle, then a 50 MB file',
      lengthMs: 15_000 + Math.min(spanMs, 10_000),
      fileBytes: 50_000 * KB,
      files: { dropAtMs: 15_000 },
      skips: { aws: 'does not wait for files' },
      judge: judgeBurst,
    },
    { ...many, name: '20k', title: '20 KB files', fileBytes: 20 * KB, judge: judgeSteady },
    { ...many, name: '1m', title: '1 MB files', fileBytes: 1000 * KB, judge: judgeSteady },
    { ...many, name: '1g', title: 'one 1 GB file', fileBytes: 1e9, files: 'one', judge: judgeSteady },
    {
      ...many,
      name: 'rtt200',
      title: '200 ms round trip, 20 KB files',
      fileBytes: 20 * KB,
      roundTripMs: 200,
      concurrency: 128,
      judge: judgeFar,
    },
    {
      ...many,
      name: 'rtt50',
      title: '50 ms round trip',
      roundTripMs: 50,
      judge: judgeFar,
    },
    {
      ...many,
      name: 'reload',
      title: 'share 50 → 25 → 80 % by SIGHUP',
      reloads: [
        { atMs: spanMs / 3, sharePercent: 25 },
        { atMs: (2 * spanMs) / 3, sharePercent: 80 },
      ],
      skips: { rclone: 'reloads nothing on a signal', aws: 'reloads nothing on a signal' },
      judge: (recording) => judgeReload(recording, [25, 80]),
    },
  ];
}

function judgeSteady({ total, zeroMs, endMs, served }: Recording): Figure[] {
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

function judgeStep(recording: Recording, fromMs: number, toMs: number, percent: number): Figure[] {
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

function judgeOnOff({ total, cross, zeroMs, endMs }: Recording): Figure[] {
  return [
    figure('mean', total.mean(zeroMs, endMs), { min: 49, max: 50.3 }),
    figure('1 s windows, most', Math.max(...total.windows(zeroMs, endMs, 1000)), { max: 52.5 }),
    figure('others, mean', cross.mean(zeroMs, endMs)),
  ];
}

// the first seconds are the way down to the floor
const SETTLING_MS = 3000;

function judgeFloor(recording: Recording): Figure[] {
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

function judgeGreedy(recording: Recording): Figure[] {
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

function judgeBurst({ total, zeroMs, endMs }: Recording): Figure[] {
  const firstMs = total.onsetMs(zeroMs, endMs, 5);
  const after = (ms: number) => (firstMs === undefined ? undefined : total.mean(firstMs, firstMs + ms));
  return [
    figure('first 100 ms', after(100), { max: 60 }),
    figure('first 1 s', after(1000), { max: 52 }),
    figure('first 5 s', after(5000)),
  ];
}

function judgeFar({ total, zeroMs, endMs }: Recording): Figure[] {
  return [
    figure('mean', total.mean(zeroMs, endMs), { min: 49, max: 50.6 }),
    figure('1 s windows, most', Math.max(...total.windows(zeroMs, endMs, 1000))),
  ];
}

function judgeReload({ total, reloadsMs, endMs }: Recording, shares: readonly number[]): Figure[] {
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

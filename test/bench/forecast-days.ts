// Simulated days: what was foretold against what then came. `node --import tsx test/bench/forecast-days.ts`
import { type Life, type Lived, LivedSpool, type Said } from '../support/lived-spool.ts';
import { SimRandom } from '../support/sim-world-random.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** What the drain sends in an hour that has the line for itself: 1 MB/s of capacity, a share of a half. */
const SIZE = 50_000;

/** 0 at night, 1 in the middle of the day, in between from 8 to 18. */
function daylight(second: number): number {
  const hour = (second % DAY) / HOUR;
  return hour < 8 || hour > 18 ? 0 : Math.sin(((hour - 8) / 10) * Math.PI);
}

/** Arrivals with the mean `perSec`, each second anything from none to twice that. */
function noisy(seed: number, perSec: (second: number) => number): Life['arrivals'] {
  const random = new SimRandom(seed);
  let owed = 0;
  return (second) => {
    owed += perSec(second) * 2 * random.next();
    const files = Math.floor(owed);
    owed -= files;
    return [{ files, sizeBytes: SIZE }];
  };
}

/** Others that come and go for minutes, and send most by day. */
function others(seed: number, most: number): (second: number) => number {
  const random = new SimRandom(seed);
  const level: number[] = [];
  return (second) => {
    const minute = Math.floor(second / 60);
    while (level.length <= minute) level.push(random.next());
    return most * daylight(second) * (level[minute] ?? 0) * 2;
  };
}

const shares = (second: number) => (second % DAY >= 8 * HOUR && second % DAY < 18 * HOUR ? 0.3 : 0.8);

function knownShares(second: number) {
  const steps = [{ fromMs: 0, share: shares(second) }];
  for (let hour = Math.floor(second / HOUR) + 1; hour < second / HOUR + 48; hour += 1)
    if (hour % 24 === 8 || hour % 24 === 18)
      steps.push({ fromMs: (hour * HOUR - second) * 1_000, share: shares(hour * HOUR) });
  return steps;
}

export const DAYS: Readonly<Record<string, Life>> = {
  'cameras by day, line for itself': { arrivals: noisy(1, (second) => 16 * daylight(second)) },
  'cameras by day, others by day': {
    arrivals: noisy(2, (second) => 10 * daylight(second)),
    cross: others(3, 250_000),
  },
  'a drop of 200,000 files at 9, others by day': {
    arrivals: (second) => (second === 9 * HOUR ? [{ files: 200_000, sizeBytes: SIZE }] : []),
    cross: others(4, 250_000),
  },
  'a drop at 9, and a timetable: 30 % by day, 80 % at night': {
    arrivals: (second) => (second === 9 * HOUR ? [{ files: 300_000, sizeBytes: SIZE }] : []),
    ...{ share: shares, known: knownShares },
  },
  'a batch of 6,000 files every ten minutes by day': {
    arrivals: (second) =>
      second % 600 === 0 && daylight(second) > 0 ? [{ files: 6_000, sizeBytes: SIZE }] : [],
  },
  'recordings of 2 GB on the hour, small files all day, others by day': {
    arrivals: (second) => [
      ...(second % HOUR === 0 && second / HOUR < 14 ? [{ files: 1, sizeBytes: 1e9 }] : []),
      ...noisy(5, () => 2)(second),
    ],
    cross: others(6, 100_000),
  },
};

export interface DayFigures {
  /** Of the seconds with an end told: the part in which the real one was within, and by how much it was missed. */
  readonly told: number;
  readonly within: number;
  readonly medianMissed: number;
  readonly worstTenthMissed: number;
  /** The width of the range, as a part of the time until the end. */
  readonly medianWidth: number;
  readonly changes: number;
  /** Minutes in which the spool was called falling behind, and those in which the backlog of the next hour had grown. */
  readonly fallingMinutes: number;
  readonly fallingRight: number;
}

/** Lives two days, and compares what was said on the first with what came. Nothing is asked on the second. */
export function figuresOf(life: Life): DayFigures {
  const spool = new LivedSpool(life);
  const said: Said[] = [];
  for (let second = 0; second < DAY; second += 1) said.push(spool.next());
  const lived: Lived[] = [...said];
  for (let second = DAY; second < 2 * DAY; second += 1) lived.push(spool.pass());
  const ends = endsOf(lived);
  const missed: number[] = [];
  const widths: number[] = [];
  let [told, within] = [0, 0];
  for (const { second, forecast, files } of said) {
    const end = ends[second];
    const { eta } = forecast;
    if (eta === null || end === undefined || files === 0) continue;
    const real = (end - second) * 1_000;
    if (real < 60_000) continue;
    told += 1;
    const high = eta.highMs ?? Number.POSITIVE_INFINITY;
    if (eta.lowMs <= real && high >= real) within += 1;
    missed.push(Math.max(0, eta.lowMs - real, real - high) / real);
    widths.push((high - eta.lowMs) / real);
  }
  const falling = said.filter(({ forecast }) => forecast.verdict === 'falling-behind');
  const right = falling.filter(({ second, bytes }) => (lived[second + HOUR]?.bytes ?? 0) > bytes);
  const changes = said.filter(({ second, forecast }) => {
    const before = said[second - 1]?.forecast.verdict;
    return before !== undefined && before !== forecast.verdict;
  });
  return {
    ...{ told, within: within / told },
    ...{ medianMissed: quantile(missed, 0.5), worstTenthMissed: quantile(missed, 0.9) },
    medianWidth: quantile(widths, 0.5),
    changes: changes.length,
    fallingMinutes: Math.round(falling.length / 60),
    fallingRight: right.length / falling.length,
  };
}

/** By second: when the spool is empty next. */
function endsOf(lived: readonly Lived[]): (number | undefined)[] {
  const ends: (number | undefined)[] = new Array(lived.length);
  let end: number | undefined;
  for (let second = lived.length - 1; second >= 0; second -= 1) {
    if (lived[second]?.files === 0) end = second;
    ends[second] = end;
  }
  return ends;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function main(): void {
  const percent = (part: number) => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
  console.log(
    '| day | told, h | within | missed by, median | … worst tenth | width, median | verdicts | falling, h | … and it grew |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [name, life] of Object.entries(DAYS)) {
    const figures = figuresOf(life);
    const cells = [
      (figures.told / HOUR).toFixed(1),
      percent(figures.within),
      percent(figures.medianMissed),
      percent(figures.worstTenthMissed),
      percent(figures.medianWidth),
      figures.changes + 1,
      (figures.fallingMinutes / 60).toFixed(1),
      figures.fallingMinutes === 0 ? '–' : percent(figures.fallingRight),
    ];
    console.log(`| ${[name, ...cells].join(' | ')} |`);
  }
}

if (process.argv[1]?.endsWith('forecast-days.ts')) main();

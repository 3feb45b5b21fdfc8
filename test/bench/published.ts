// The measurements that test/bench/README.md shows, from the results kept beside this file: `npm run bench` writes them to
// var/bench, whoever means to publish a run copies its JSON and pictures to test/bench/results and runs
// `npm run generate`.
import { existsSync, readFileSync } from 'node:fs';
import { type BenchResult, markdown } from './report.ts';

const RESULTS = new URL('./results/', import.meta.url);
/** The picture people understand at once. */
const PICTURED = 'udp30';
const README_MBIT = 100;
const OTHER_MBITS = [20, 400];

/** Everything between the markers of that page. */
export function renderMeasured(): string {
  const picture = `results/bench-${README_MBIT}mbit-${PICTURED}.svg`;
  const others = OTHER_MBITS.map((mbit) => `[${mbit} Mbit/s](results/${tableName(mbit)})`);
  return [
    `![The card's transmit rate over time, a panel for each tool](${picture})`,
    '',
    markdown(resultAt(README_MBIT)),
    `The same at ${others.join(' and ')}.`,
    '',
  ].join('\n');
}

/** The tables of the other capacities, by the URL of their file. */
export function renderOtherTables(): ReadonlyMap<URL, string> {
  return new Map(OTHER_MBITS.map((mbit) => [new URL(tableName(mbit), RESULTS), markdown(resultAt(mbit))]));
}

function tableName(mbit: number): string {
  return `bench-${mbit}mbit.md`;
}

function resultAt(mbit: number): BenchResult {
  const path = new URL(`bench-${mbit}mbit.json`, RESULTS);
  if (!existsSync(path)) throw new Error(`${path.pathname} is missing: npm run bench -- --capacity ${mbit}`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

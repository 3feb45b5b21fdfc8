// `npm run test:kill -- --kills 200 --seed 7`: as test/system/kill.test.ts, for longer. Ends with 1 if anything is wrong.
import { parseArgs } from 'node:util';
import { KillBench } from './kill-bench.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
if (!(kills > 0) || !Number.isInteger(seed)) throw new TypeError('--kills and --seed are whole numbers');
console.log(
  `seed ${seed}: the moments of the kills and the faults follow from it, give or take the machine's mood`,
);
const report = await new KillBench(seed).run(kills, (nth) => {
  if (nth % 10 === 0) console.log(`${nth} kills`);
});
console.log(JSON.stringify(report, null, 2));
console.log(`sent twice: ${report.sentBytes - report.storedBytes} of ${report.sentBytes} bytes`);
process.exitCode = report.violations.length === 0 && report.exit === 0 ? 0 : 1;

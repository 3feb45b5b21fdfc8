// `npm run test:kill -- --kills 200 --seed 7 --server swift --ingest`: as test/system/kill.test.ts, for longer, on any of the
// servers. Ends with 1 if anything is wrong. With `--bug NAME` it ends with 1 if that bug is not found.
import { parseArgs } from 'node:util';
import { SERVERS } from '../s3-servers.ts';
import { BUGS } from './bugs.ts';
import { KillBench, type KillReport } from './kill-bench.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    server: { type: 'string', default: 'embedded' },
    bug: { type: 'string' },
    /** Files come over HTTP, too. */
    ingest: { type: 'boolean', default: false },
    /** In per cent of all requests. */
    faulty: { type: 'string', default: '8' },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
if (!(kills > 0) || !Number.isInteger(seed)) throw new TypeError('--kills and --seed are whole numbers');
const server = SERVERS.find(({ name }) => name.toLowerCase().includes(values.server.toLowerCase()));
if (server === undefined)
  throw new TypeError(`--server is one of ${SERVERS.map(({ name }) => name).join(', ')}`);
const bug = values.bug === undefined ? undefined : BUGS[values.bug];
if (values.bug !== undefined && bug === undefined)
  throw new TypeError(`--bug is one of ${Object.keys(BUGS).join(', ')}`);

console.log(
  `seed ${seed}, ${server.name}: the moments of the kills and the faults follow from the seed, give or take the machine's mood`,
);
const bench = new KillBench({
  seed,
  server,
  faultyShare: Number(values.faulty) / 100,
  ingest: values.ingest,
  ...(bug === undefined ? {} : { bugs: bug.patches }),
});
const report = await bench.run(kills, (nth) => {
  if (nth % 10 === 0) console.log(`${nth} kills`);
});
console.log(JSON.stringify(report, null, 2));
console.log(`sent twice: ${report.sentBytes - report.storedBytes} of ${report.sentBytes} bytes`);
process.exitCode = isAsWanted(report) ? 0 : 1;

function isAsWanted({ violations, exit }: KillReport): boolean {
  if (bug !== undefined) return violations.some(({ kind }) => kind === bug.foundBy);
  return violations.length === 0 && exit === 0;
}

// `npm run test:power -- --cuts 500 --seed 7 --conflict overwrite --fs btrfs --ingest`, as root: as test/system/power-cut.test.ts,
// for longer and on other file systems. Ends with 1 if anything is wrong. With `--bug NAME` it ends with 1 if that bug is
// not found.
import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import { PowerBench } from './power-bench.ts';

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    conflict: { type: 'string', default: 'overwrite' },
    fs: { type: 'string', default: 'ext4' },
    bug: { type: 'string' },
    /** Files come over HTTP, too. */
    ingest: { type: 'boolean', default: false },
    debug: { type: 'boolean', default: false },
  },
});
const { conflict, bug } = values;
const [cuts, seed] = [Number(values.cuts), Number(values.seed)];
if (!(cuts > 0) || !Number.isInteger(seed)) throw new TypeError('--cuts and --seed are whole numbers');
if (conflict !== 'keep-both' && conflict !== 'overwrite')
  throw new TypeError('--conflict is keep-both or overwrite');
const bugs = bug === undefined ? [] : BUGS[bug];
if (bugs === undefined) throw new TypeError(`--bug is one of ${Object.keys(BUGS).join(', ')}`);

console.log(`seed ${seed}, ${values.fs}, ${conflict}`);
const bench = new PowerBench({
  seed,
  conflict,
  fileSystem: values.fs,
  bugs,
  ingest: values.ingest,
  logLevel: values.debug ? 'debug' : 'info',
});
const report = await bench.run(cuts, (nth) => {
  if (nth % 10 === 0) console.log(`${nth} cuts`);
});
console.log(JSON.stringify(report, null, 2));
for (const { what } of report.violations) {
  const [path = ''] = what.split(' ');
  console.log(`${path}, as logged:\n${bench.story(path)}`);
}
const isFine = report.violations.length === 0 && report.exit === 0;
process.exitCode = isFine === (bug === undefined) ? 0 : 1;

// Runs simulated worlds from a range of seeds, or one of them with its trace: `SEED=7 npm run test:simulation`, or
// `npm run test:simulation -- --seeds 1000000 [--from 1]`. Prints what went wrong, how often what happened, and ends
// with 1 if anything did.
import { parseArgs } from 'node:util';
import { type SimOutcome, simulate } from '../support/sim-world.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' }, from: { type: 'string', default: '1' } },
});
const PROGRESS_MS = 10_000;

export function report({ seed, violations }: SimOutcome): string {
  const wrong = violations.map(({ kind, what }) => `  ${kind}: ${what}`);
  return [`seed ${seed}; replay it with SEED=${seed} npm run test:simulation`, ...wrong].join('\n');
}

async function replay(seed: number): Promise<boolean> {
  const outcome = await simulate(seed, { onTrace: (line) => console.log(line) });
  console.log(outcome.violations.length === 0 ? `seed ${seed}: all is well` : report(outcome));
  console.log(`trace ${outcome.hash}`);
  return outcome.violations.length === 0;
}

async function runAll(from: number, count: number): Promise<boolean> {
  const totals: Record<string, number> = {};
  let [failed, shownMs] = [0, performance.now()];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await simulate(seed);
    for (const [what, times] of Object.entries(outcome.figures)) totals[what] = (totals[what] ?? 0) + times;
    if (outcome.violations.length > 0) {
      failed += 1;
      console.log(report(outcome));
    }
    if (performance.now() - shownMs < PROGRESS_MS) continue;
    shownMs = performance.now();
    console.log(`${seed - from + 1} of ${count} seeds, ${failed} failed`);
  }
  for (const [what, times] of Object.entries(totals).sort())
    console.log(`${String(times).padStart(9)}  ${what}`);
  console.log(`${count} seeds, ${failed} failed`);
  return failed === 0;
}

const isFine =
  process.env.SEED === undefined
    ? await runAll(Number(values.from), Number(values.seeds))
    : await replay(Number(process.env.SEED));
process.exitCode = isFine ? 0 : 1;

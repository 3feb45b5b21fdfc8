// Promise 2 of the design, tried to break: thousands of worlds in which everything goes wrong that can, each judged by
// the oracle. And proof that the judge is awake: bugs put in on purpose are found.
import '../support/sim-spool-files.ts';

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simulate } from '../support/sim-world.ts';
import { PLANTS } from '../support/sim-world-plants.ts';

const SEEDS = 2_000;
const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

/** In a process of its own: the test runner follows every promise, which takes four times as long. */
function run(context: TestContext, ...args: string[]): void {
  const env = { ...process.env };
  delete env.SEED;
  // Thousands of worlds run the same lines: counting them takes time and shows nothing new.
  delete env.NODE_V8_COVERAGE;
  const command = ['--import', 'tsx', RUN, '--seeds', String(SEEDS), ...args];
  const { status, stdout } = spawnSync(process.execPath, command, { encoding: 'utf8', env });
  for (const line of stdout.trim().split('\n')) context.diagnostic(line);
  assert.equal(status, 0, stdout);
}

describe('a simulated world in which everything goes wrong', () => {
  it(`loses, tears and leaks nothing, and drains in the end, with ${SEEDS} seeds`, (context) => {
    run(context);
  });

  it('does the same with the same seed', async () => {
    for (const seed of [3, 77, 1_000_003]) {
      const [first, second] = [await simulate(seed), await simulate(seed)];
      assert.deepEqual(first, second);
    }
  });

  it('does something else with another seed', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1) hashes.add((await simulate(seed)).hash);
    assert.equal(hashes.size, 20);
  });

  for (const name of Object.keys(PLANTS)) {
    it(`finds out a daemon that ${name}`, (context) => {
      run(context, '--plant', name);
    });
  }
});

// Tries to break promise 2 of the design: thousands of worlds in which everything goes wrong that can, each judged by the
// oracle. Planted bugs prove that the oracle finds them.
import '../support/sim-spool-files.ts';

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simulate } from '../support/sim-world.ts';
import { PLANTS } from '../support/sim-world-plants.ts';

/** Here; .ci/run goes on with others. */
const SEEDS = 1_000;
/** A bug that was put in is found by then. */
const HUNTED_SEEDS = 2_000;
/** Each runs its share of the seeds, so that both cores of a small machine have work to the end. */
const SHARDS = 2;
const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

/** In a process of its own: the test runner follows every promise, which takes four times as long. */
async function run(context: TestContext, ...args: readonly string[]): Promise<void> {
  const env = { ...process.env };
  delete env.SEED;
  // Thousands of worlds run the same lines: counting them takes time and shows nothing new.
  delete env.NODE_V8_COVERAGE;
  const child = spawn(process.execPath, ['--import', 'tsx', RUN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  for (const line of stdout.trim().split('\n')) context.diagnostic(line);
  assert.equal(status, 0, stdout);
}

// Each in a process of its own.
describe('simulated worlds in which everything goes wrong', { concurrency: SHARDS }, () => {
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const share = SEEDS / SHARDS;
    const from = 1 + shard * share;
    it(`loses, tears and leaks nothing, and drains in the end, with seeds from ${from} on`, (context) =>
      run(context, '--seeds', String(share), '--from', String(from)));
  }

  for (const name of Object.keys(PLANTS)) {
    it(`finds out a daemon that ${name}`, (context) =>
      run(context, '--plant', name, '--seeds', String(HUNTED_SEEDS)));
  }
});

// One after the other: they share what is simulated of this process.
describe('a simulated world', () => {
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
});

// Promise 2 of the design, tried to break: thousands of worlds in which everything goes wrong that can, each judged by
// the oracle. And proof that the judge is awake: bugs put in on purpose are found.
import '../support/sim-spool-files.ts';

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Violation } from '../support/oracle.ts';
import { simulate } from '../support/sim-world.ts';
import { PLANTS } from '../support/sim-world-plants.ts';

const SEEDS = 2_000;
const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

/** What a planted bug must be found by: a find of another kind would be luck. */
const FOUND_BY: Readonly<Record<string, Violation['kind']>> = {
  'deletes a file before the store is asked for a proof': 'lost',
  'compares nothing but the size': 'lost',
  'unlinks whatever has the name by now': 'lost',
  'forgets the id of a multipart upload': 'open upload',
};

describe('a simulated world in which everything goes wrong', () => {
  // In a process of its own: the test runner follows every promise, which takes four times as long.
  it(`loses, tears and leaks nothing, and drains in the end, with ${SEEDS} seeds`, (context) => {
    const args = ['--import', 'tsx', RUN, '--seeds', String(SEEDS)];
    const env = { ...process.env };
    delete env.SEED;
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    for (const line of stdout.trim().split('\n')) context.diagnostic(line);
    assert.equal(status, 0, stdout);
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

  for (const [name, plant] of Object.entries(PLANTS)) {
    it(`finds out a daemon that ${name}`, async (context) => {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { violations } = await simulate(seed, { plant });
        if (violations.every(({ kind }) => kind !== FOUND_BY[name])) continue;
        return context.diagnostic(`found with seed ${seed}: ${violations[0]?.what}`);
      }
      assert.fail(`not found within ${SEEDS} seeds`);
    });
  }
});

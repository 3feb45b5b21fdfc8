// A few simulated worlds for each change of mutation testing, where thousands would take days.
import '../support/sim-spool-files.ts';

import assert from 'node:assert/strict';
import test from 'node:test';
import { simulate } from '../support/sim-world.ts';

const SEEDS = 4;

test(`the worlds of the first ${SEEDS} seeds go well`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) assert.deepEqual((await simulate(seed)).violations, []);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { EmptyFolders } from '../../src/spool/empty-folders.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';
import { SimClock } from '../support/sim-clock.ts';

type Outcome = 'removed' | 'in-use' | 'too-young' | FaultClass;

/** Folders whose removal ends as `outcome` says for each path; `tried` lists the attempts with their time. */
function prepare(t: TestContext, outcome: (path: string) => Outcome) {
  const clock = new SimClock();
  const tried: [string, number][] = [];
  const faults: Fault[] = [];
  const folders = new EmptyFolders({
    clock,
    quietMs: 10_000,
    onEvent: ({ error }) => {
      assert.ok(error instanceof Fault);
      faults.push(error);
    },
    spool: {
      removeFolder: async (path, quietMs) => {
        assert.equal(quietMs, 10_000);
        tried.push([String(path), clock.monotonicMs()]);
        const result = outcome(String(path));
        if (result === 'removed' || result === 'in-use' || result === 'too-young') return result;
        throw new Fault(result, result, { operation: 'remove folder', subject: String(path) });
      },
    },
  });
  folders.start();
  t.after(() => folders.stop());
  return { clock, folders, tried, faults };
}

test('removes emptied folders upwards, each after it was left alone, and never the root', async (t) => {
  const { clock, folders, tried } = prepare(t, () => 'removed');
  folders.fileRemoved(SpoolPath.from('a/b/f'));
  await clock.advance(9_999);
  assert.equal(tried.length, 0);
  await clock.advance(60_000);
  assert.deepEqual(
    tried.map(([path]) => path),
    ['a/b', 'a'],
  );
  assert.ok((tried[1]?.[1] ?? 0) - (tried[0]?.[1] ?? 0) >= 10_000);
  assert.equal(clock.pending, 0);
});

test('has nothing to do for a file in the root', async (t) => {
  const { clock, folders } = prepare(t, () => 'removed');
  folders.fileRemoved(SpoolPath.from('f'));
  assert.equal(clock.pending, 0);
});

test('waits again for a folder in which something happened, and gives up one in use', async (t) => {
  const outcomes: Outcome[] = ['too-young', 'in-use'];
  const { clock, folders, tried } = prepare(t, () => outcomes.shift() ?? 'removed');
  folders.fileRemoved(SpoolPath.from('a/f'));
  await clock.advance(120_000);
  assert.equal(tried.length, 2);
});

test('tries once for many files removed from one folder', async (t) => {
  const { clock, folders, tried } = prepare(t, () => 'in-use');
  for (let file = 0; file < 100; file++) folders.fileRemoved(SpoolPath.from(`a/${file}`));
  await clock.advance(60_000);
  assert.equal(tried.length, 1);
});

test('tells of a folder that cannot be removed, and keeps quiet about one that is gone', async (t) => {
  const { clock, folders, faults } = prepare(t, (path) => (path === 'gone' ? 'changed' : 'blocked'));
  folders.fileRemoved(SpoolPath.from('gone/f'));
  folders.fileRemoved(SpoolPath.from('locked/f'));
  await clock.advance(60_000);
  assert.deepEqual(
    faults.map(({ subject }) => subject),
    ['locked'],
  );
});

test('removes nothing once stopped', async (t) => {
  const { clock, folders, tried } = prepare(t, () => 'removed');
  folders.fileRemoved(SpoolPath.from('a/f'));
  await folders.stop();
  await clock.advance(60_000);
  assert.deepEqual(tried, []);
});

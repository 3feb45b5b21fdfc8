// A listener that a reload moves: no moment without one that could be avoided.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MovingDoor } from '../../src/system/moving-door.ts';

interface Options {
  readonly address: string;
  readonly port: number;
  readonly limit?: number;
}

/** Notes what happens to its doors. */
function bench() {
  const steps: string[] = [];
  const refused = new Set<string>();
  const nameOf = ({ address, port }: Options) => `${address}:${port}`;
  const moving = new MovingDoor({
    placeOf: (options: Options) => ({ at: nameOf(options), takes: `${options.port}` }),
    open: async (options: Options) => {
      const name = nameOf(options);
      if (refused.has(name)) throw new Error(`${name} is taken`);
      steps.push(`open ${name}`);
      return {
        name,
        reconfigure: async ({ limit }: Options) => {
          if (limit === 0) throw new Error('no limit');
          steps.push(`reconfigure ${name} ${limit}`);
        },
        close: async () => {
          steps.push(`close ${name}`);
        },
      };
    },
  });
  return { moving, steps, refused };
}

const HERE = { address: '127.0.0.1', port: 1 };

test('other options at the same place close nothing, also when they are refused', async () => {
  const { moving, steps } = bench();
  await moving.serve(HERE);
  await moving.serve({ ...HERE, limit: 2 });
  await assert.rejects(moving.serve({ ...HERE, limit: 0 }), /no limit/);
  assert.deepEqual(steps, ['open 127.0.0.1:1', 'reconfigure 127.0.0.1:1 2']);
});

test('another port is open before the old one is closed', async () => {
  const { moving, steps } = bench();
  await moving.serve(HERE);
  await moving.serve({ ...HERE, port: 2 });
  assert.deepEqual(steps, ['open 127.0.0.1:1', 'open 127.0.0.1:2', 'close 127.0.0.1:1']);
});

test('the same port at another address is opened once the old one is closed', async () => {
  const { moving, steps } = bench();
  await moving.serve(HERE);
  await moving.serve({ ...HERE, address: '0.0.0.0' });
  assert.deepEqual(steps, ['open 127.0.0.1:1', 'close 127.0.0.1:1', 'open 0.0.0.0:1']);
});

test('a place that cannot be had leaves the old one open, also where that had to be closed first', async () => {
  const { moving, refused } = bench();
  refused.add('127.0.0.1:2').add('0.0.0.0:1');
  await moving.serve(HERE);
  await assert.rejects(moving.serve({ ...HERE, port: 2 }), /127.0.0.1:2 is taken/);
  assert.equal(moving.door?.name, '127.0.0.1:1');
  await assert.rejects(moving.serve({ ...HERE, address: '0.0.0.0' }), /0.0.0.0:1 is taken/);
  assert.equal(moving.door?.name, '127.0.0.1:1');
  await moving.close();
  assert.equal(moving.door, undefined);
});

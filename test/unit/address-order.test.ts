import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attemptTimeoutMs, inOrder } from '../../src/transport/address-order.ts';

const of = (...addresses: string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('addresses are tried in turns of their families', () => {
  for (const { found, last, order } of [
    { found: ['1.1', '1.2', 'a:1', 'a:2'], order: ['1.1', 'a:1', '1.2', 'a:2'] },
    { found: ['a:1', 'a:2', '1.1', '1.2'], order: ['a:1', '1.1', 'a:2', '1.2'] },
    { found: ['1.1', '1.2', '1.3', '1.4', '1.5', 'a:1'], order: ['1.1', 'a:1', '1.2', '1.3'] },
    { found: ['1.1', 'a:1', 'a:2', 'a:3'], order: ['1.1', 'a:1', 'a:2', 'a:3'] },
    // What worked before is the first.
    { found: ['a:1', '1.1', '1.2'], last: '1.2', order: ['1.2', 'a:1', '1.1'] },
    // Another address by now: of the same family.
    { found: ['a:1', '1.1', '1.2'], last: '1.9', order: ['1.1', 'a:1', '1.2'] },
    { found: ['a:1'], last: '1.9', order: ['a:1'] },
    { found: [], order: [] },
  ])
    test(`${found} after ${last ?? 'none'}`, () => {
      const addresses = inOrder(of(...found), last === undefined ? undefined : of(last)[0]);
      assert.deepEqual(
        addresses.map(({ address }) => address),
        order,
      );
    });
});

test('all of them together have no more time than the connection', () => {
  assert.equal(4 * attemptTimeoutMs(10_000), 10_000);
  assert.equal(attemptTimeoutMs(1), 10);
});

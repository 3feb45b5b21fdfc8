// The only way a file is deleted: set aside, then removed, and both only with a proof.
import assert from 'node:assert/strict';
import test from 'node:test';
import { dispose } from '../../src/drain/dispose.ts';
import { isProof, type Proof, verify } from '../../src/drain/verify.ts';
import { localContent } from '../support/drain-bench.ts';
import { giveUp } from '../support/temporary-spool.ts';

function proof(): Proof {
  const local = localContent(Buffer.from('bytes'));
  const verdict = verify(local, { key: 'k', etag: local.parts[0]?.md5Hex ?? '' });
  assert.ok(isProof(verdict));
  return verdict;
}

test('removes only what it has set aside', async () => {
  const steps: string[] = [];
  const setAside = async () => {
    steps.push('set aside');
    return { remove: async () => void steps.push('remove') };
  };
  await dispose(setAside, proof(), giveUp);
  assert.deepEqual(steps, ['set aside', 'remove']);
});

test('removes nothing when the file cannot be set aside', async () => {
  await assert.rejects(
    dispose(() => Promise.reject(new Error('changed')), proof(), giveUp),
    /changed/,
  );
});

test('an unproven delete does not compile', () => {
  const unproven = () => {
    // @ts-expect-error: an object that looks like a proof is none; only verify() makes one.
    const forged: Proof = { key: 'k', sizeBytes: 5, by: 'sha256' };
    return dispose(async () => assert.fail('never called'), forged, giveUp);
  };
  assert.equal(typeof unproven, 'function');
});

// Which keys are looked at and written, under each policy, and whose fault a taken key is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { digestOf } from '../../src/store/digest.ts';
import type { Writing } from '../../src/store/s3/dialect.ts';
import { type ConflictPolicy, type Placement, resolveConflict } from '../../src/store/s3/resolve-conflict.ts';
import { Fault } from '../../src/system/fault.ts';
import { answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';

const DIGEST = await digestOf(Buffer.from('ours'));
const OURS = Buffer.from(DIGEST.sha256Hex, 'hex').toString('base64');
const SUFFIXED = [8, 16, 64].map((digits) => `a.${DIGEST.sha256Hex.slice(0, digits)}.jpg`);

type Held = 'ours' | 'theirs' | 'denied' | 'encrypted' | 'failing';

interface Options {
  readonly policy?: ConflictPolicy;
  readonly writes?: Writing;
  readonly lookFirst?: boolean;
  readonly mayBeThere?: boolean;
  /** Whether the store is known to heed the condition. */
  readonly guarded?: boolean;
  /** Has a write fail. */
  readonly refuse?: (key: string, nth: number) => Error | undefined;
  readonly findOut?: () => Promise<void>;
}

/** A store that heeds the condition, and steps of placing `a.jpg` there, in order. */
function worldOf(holds: Record<string, Held>, options: Options = {}) {
  const { policy = 'keep-both', writes = 'put object', guarded = true } = options;
  const { lookFirst = false, mayBeThere = false } = options;
  const steps: string[] = [];
  const { bucket } = answeringBucket((name, { Key: key }) => {
    const held = holds[String(key)];
    if (name === 'HeadObject') steps.push(`look ${key}`);
    if (held === 'denied') throw refusal(403, 'AccessDenied');
    if (held === 'failing') throw refusal(500, 'InternalError');
    if (held === 'encrypted') throw refusal(400, name === 'HeadObject' ? 'Http400' : 'InvalidRequest');
    if (held === undefined) throw refusal(404, 'NotFound');
    return {
      ETag: '"x"',
      ContentLength: held === 'ours' ? 4 : 9,
      ChecksumSHA256: held === 'ours' ? OURS : 'x',
    };
  });
  if (guarded) bucket.dialect.learnConditions(writes, 'supported');
  const placement: Placement = {
    ...{ bucket, policy, writes, lookFirst, mayBeThere, key: 'a.jpg', signal: NEVER },
    findOut: async () => {
      steps.push('find out');
      await options.findOut?.();
    },
    local: async () => ({ sizeBytes: 4, parts: [DIGEST], multipart: false }),
    sha256Hex: async () => DIGEST.sha256Hex,
    write: async (key, onlyIfAbsent) => {
      steps.push(`write ${key}${onlyIfAbsent ? '' : ' over'}`);
      const refused = options.refuse?.(key, steps.filter((step) => step.startsWith('write')).length);
      if (refused !== undefined) throw refused;
      if (onlyIfAbsent && holds[key] !== undefined) throw taken();
      return { key };
    },
  };
  return { bucket, steps, placed: () => resolveConflict(placement) };
}

const fault = (code: string, status: number, faultClass: 'transient' | 'unknown' = 'transient') =>
  new Fault(faultClass, code, { operation: 'put', subject: 'k', code, cause: refusal(status, code) });
const taken = () => fault('PreconditionFailed', 412);

test('a key that was taken, or that we wrote, is looked at the next time before it is written', async () => {
  const free = worldOf({});
  await free.placed();
  await free.placed();
  assert.deepEqual(free.steps, ['write a.jpg', 'look a.jpg', 'write a.jpg']);
  const other = worldOf({ 'a.jpg': 'theirs' });
  await other.placed();
  assert.deepEqual(other.steps, ['write a.jpg', 'look a.jpg', `write ${SUFFIXED[0]}`]);
  await other.placed();
  assert.equal(other.steps[3], 'look a.jpg');
});

test('a key that was taken and is free again is written without a look from then on', async () => {
  const holds: Record<string, Held> = {};
  const { bucket, steps, placed } = worldOf(holds, {
    refuse: (_, nth) => (nth === 1 ? fault('x', 500) : undefined),
  });
  bucket.taken.add('a.jpg');
  await assert.rejects(placed());
  await placed();
  assert.deepEqual(steps, ['look a.jpg', 'write a.jpg', 'write a.jpg']);
});

test('an expensive write looks first, even where the store refuses to overwrite', async () => {
  const { steps, placed } = worldOf({ 'a.jpg': 'ours' }, { lookFirst: true, writes: 'complete upload' });
  assert.equal((await placed()).outcome, 'already-there');
  assert.deepEqual(steps, ['look a.jpg']);
});

test('a key that is taken and at once free again is tried anew later, not at once', async () => {
  const refuse = (_: string, nth: number) => (nth < 5 ? taken() : fault('x', 500));
  const { steps, placed } = worldOf({}, { refuse });
  await assert.rejects(placed(), { faultClass: 'transient', code: 'PreconditionFailed' });
  assert.deepEqual(steps, ['write a.jpg', 'look a.jpg']);
});

test('a suffix grows while its key is taken, and in the end the file is to blame', async () => {
  const [first = '', second = '', third = ''] = SUFFIXED;
  const two = { 'a.jpg': 'theirs', [first]: 'theirs', [second]: 'theirs' } as const;
  assert.equal((await worldOf(two).placed()).receipt.key, third);
  await assert.rejects(worldOf({ ...two, [third]: 'theirs' }).placed(), {
    faultClass: 'file',
    code: 'ObjectExists',
  });
});

test('where what takes a key cannot be read, the file is not blamed', async () => {
  await assert.rejects(worldOf({ 'a.jpg': 'theirs' }, { policy: 'skip' }).placed(), { faultClass: 'file' });
  const encrypted = worldOf({ 'a.jpg': 'encrypted' }, { policy: 'skip' });
  await assert.rejects(encrypted.placed(), { faultClass: 'unknown', code: 'ObjectExists' });
  const all = Object.fromEntries(['a.jpg', ...SUFFIXED].map((key) => [key, 'encrypted' as const]));
  await assert.rejects(worldOf(all).placed(), { faultClass: 'unknown', code: 'ObjectExists' });
});

test('a key that may not be looked at is taken where it was found taken, else it is written', async () => {
  const { bucket, steps, placed } = worldOf({ 'a.jpg': 'denied' });
  bucket.taken.add('a.jpg');
  assert.equal((await placed()).receipt.key, SUFFIXED[0]);
  assert.deepEqual(steps, ['look a.jpg', `write ${SUFFIXED[0]}`]);
});

test('a look that fails is no free key', async () => {
  const { steps, placed } = worldOf({ 'a.jpg': 'failing' }, { lookFirst: true });
  await assert.rejects(placed(), { faultClass: 'transient', code: 'InternalError' });
  assert.deepEqual(steps, ['look a.jpg']);
});

test('where nothing may be looked at, it is found out whether the store would overwrite, before anything is written', async () => {
  const { steps, placed } = worldOf({ 'a.jpg': 'denied' }, { guarded: false });
  await assert.rejects(placed(), { faultClass: 'breaker', code: 'CannotLook' });
  assert.deepEqual(steps, ['look a.jpg', 'find out']);
});

test('a put that is refused, perhaps for its condition, is written again once that is found out', async () => {
  const found = worldOf(
    {},
    {
      guarded: false,
      refuse: (_, nth) => (nth === 1 ? fault('NotImplemented', 501, 'unknown') : undefined),
      findOut: async () => found.bucket.dialect.learnConditions('put object', 'ignored'),
    },
  );
  await found.placed();
  assert.deepEqual(found.steps, ['look a.jpg', 'write a.jpg', 'find out', 'look a.jpg', 'write a.jpg']);
});

test('what the trial meets says nothing of the file, but a failure of ours is not hidden', async () => {
  const refuse = () => fault('NotImplemented', 501, 'unknown');
  const failing = (error: Error) =>
    worldOf({}, { guarded: false, refuse, findOut: () => Promise.reject(error) }).placed();
  await assert.rejects(failing(fault('SlowDown', 503)), { code: 'NotImplemented' });
  const ours = new TypeError('ours');
  await assert.rejects(failing(ours), ours);
});

test('an upload whose completion is refused does not try the condition of a put', async () => {
  const refuse = () => fault('NotImplemented', 501, 'unknown');
  const { steps, placed } = worldOf(
    {},
    { guarded: false, refuse, writes: 'complete upload', lookFirst: true },
  );
  await assert.rejects(placed(), { code: 'NotImplemented' });
  assert.deepEqual(steps, ['look a.jpg', 'write a.jpg']);
});

test('overwrite looks at nothing', async () => {
  const { steps, placed } = worldOf({ 'a.jpg': 'theirs' }, { policy: 'overwrite', lookFirst: true });
  assert.equal((await placed()).outcome, 'stored');
  assert.deepEqual(steps, ['write a.jpg over']);
});

for (const policy of ['keep-both', 'skip', 'overwrite'] as const)
  test(`${policy}: an object that an earlier attempt may have stored is looked for before it is sent`, async () => {
    const there = worldOf({ 'a.jpg': 'ours' }, { policy, mayBeThere: true });
    assert.equal((await there.placed()).outcome, 'already-there');
    assert.deepEqual(there.steps, ['look a.jpg']);
    const missing = worldOf({}, { policy, mayBeThere: true });
    assert.equal((await missing.placed()).outcome, 'stored');
    assert.deepEqual(missing.steps, [
      'look a.jpg',
      policy === 'overwrite' ? 'write a.jpg over' : 'write a.jpg',
    ]);
  });

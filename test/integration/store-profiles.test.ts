// Every store's profile against the S3 adapter: small and large files, a stop in the middle, keys that are taken, and
// `check`. All end proven, on every profile; nothing of others is overwritten, and no upload stays open.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'node:test';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { isProof, verify } from '../../src/drain/verify.ts';
import type { Upload, UploadJournal } from '../../src/store/object-store.ts';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { S3Error } from '../support/s3-error.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { bytesOf, MemoryJournal, sourceOf, storeAt } from '../support/store-fixture.ts';
import { PROFILES, type StoreProfile } from '../support/store-profiles.ts';
import type { Asked, Quirks } from '../support/store-quirks.ts';

const SMALL = bytesOf(20_000, 1);
const PART_BYTES = 64 * 1024;
const LARGE = bytesOf(2 * PART_BYTES + 20_000, 2);
// lib-storage holds its callers to S3's 5 MiB, which would take a minute here.
Reflect.set(PartUploader, 'MIN_PART_SIZE', 1);
const NEVER = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface World {
  readonly server: S3Server;
  /** A daemon's store, from its start. */
  readonly newStore: () => S3Store;
  readonly traffic: { sentBytes: number; open: Set<string> };
  /** Asked before the profile. */
  meddle: (asked: Asked) => void;
}

async function worldOf({ quirks }: StoreProfile): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'halfpipe-profile-'));
  const played = quirks();
  const traffic = { sentBytes: 0, open: new Set<string>() };
  const watched: Quirks = {
    ...played,
    ask: (asked) => {
      const { operation, headers, query } = asked;
      if (operation === 'PutObject' || operation === 'UploadPart')
        traffic.sentBytes += Number(headers['content-length']);
      world.meddle(asked);
      played.ask?.(asked);
      if (/^(Complete|Abort)Multi/.test(operation)) traffic.open.delete(query.get('uploadId') ?? '');
    },
    document: (xml, asked) => {
      const [, uploadId] = /<UploadId>([^<]+)</.exec(xml) ?? [];
      if (asked.operation === 'CreateMultipartUpload' && uploadId !== undefined) traffic.open.add(uploadId);
      return played.document?.(xml, asked) ?? xml;
    },
  };
  const keys = { accessKeyId: 'test', secretAccessKey: 'test' };
  const server = await startS3Server({
    ...keys,
    directory,
    port: 0,
    buckets: ['bucket'],
    quirks: watched,
    leastPartBytes: 1,
  });
  cleanups.push(
    () => rmSync(directory, { recursive: true, force: true }),
    () => server.close(),
  );
  const newStore = () => {
    const store = storeAt(server, { partsAtOnce: 1, partSizeBytes: PART_BYTES, leastPartBytes: 1 });
    cleanups.push(() => store.close());
    return store;
  };
  const world: World = { server, newStore, traffic, meddle: () => undefined };
  return world;
}

/** As the drain does it: where the answer proves nothing, the store is asked again. */
async function deliver(
  store: S3Store,
  key: string,
  content: Buffer,
  journal?: UploadJournal,
): Promise<Upload> {
  const done = await store.upload({
    key,
    source: sourceOf(content),
    signal: NEVER,
    ...(journal && { journal }),
  });
  const answered = verify(done.local, done.receipt);
  const verdict = isProof(answered)
    ? answered
    : verify(done.local, await store.confirm(done.receipt.key, done.local, NEVER));
  assert.ok(isProof(verdict), `${key}: ${JSON.stringify(verdict)}`);
  return done;
}

function assertHolds({ server }: World, key: string, content: Buffer): void {
  const bucket = server.bucket('bucket');
  assert.ok(bucket?.get(key) !== undefined, `${key} is there`);
  assert.ok(readFileSync(bucket.fileOf(key)).equals(content), `${key} has its content`);
}

for (const profile of PROFILES) {
  describe(`at ${profile.name}`, () => {
    test('a small and a large file end proven, and are sent about once', async (t) => {
      const world = await worldOf(profile);
      const store = world.newStore();
      await deliver(store, 'small.jpg', SMALL);
      await deliver(store, 'large.mp4', LARGE, new MemoryJournal());
      // What was learnt is remembered: from here on each byte goes once.
      const learnt = world.traffic.sentBytes;
      await deliver(store, 'second.mp4', LARGE, new MemoryJournal());
      assertHolds(world, 'small.jpg', SMALL);
      assertHolds(world, 'large.mp4', LARGE);
      assert.equal(world.traffic.sentBytes - learnt, LARGE.length);
      assert.equal(world.traffic.open.size, 0);
      const times = world.traffic.sentBytes / (SMALL.length + 2 * LARGE.length);
      t.diagnostic(`${profile.name}: ${times.toFixed(2)} bytes sent for one stored`);
      assert.ok(times <= profile.sentTimes, `${times.toFixed(2)} bytes sent for one stored`);
    });

    test('a large file resumes after a failure, or begins anew, and ends proven', async () => {
      const world = await worldOf(profile);
      const journal = new MemoryJournal();
      world.meddle = ({ operation, query }) => {
        if (operation === 'UploadPart' && query.get('partNumber') === '2')
          throw new S3Error(500, 'InternalError', 'Not now.');
      };
      await assert.rejects(deliver(world.newStore(), 'film.mp4', LARGE, journal), {
        faultClass: 'transient',
      });
      world.meddle = () => undefined;
      await deliver(world.newStore(), 'film.mp4', LARGE, journal);
      assertHolds(world, 'film.mp4', LARGE);
      assert.equal(world.traffic.open.size, 0);
      assert.equal(journal.upload, undefined);
    });

    test('another object under the key is kept, and the same bytes are no second object', async () => {
      const world = await worldOf(profile);
      for (const [content, other] of [
        [SMALL, bytesOf(SMALL.length, 3)],
        [LARGE, bytesOf(LARGE.length, 4)],
      ] as const) {
        const key = `${content.length}.bin`;
        await deliver(world.newStore(), key, other, new MemoryJournal());
        const { receipt } = await deliver(world.newStore(), key, content, new MemoryJournal());
        assertHolds(world, key, other);
        assertHolds(world, receipt.key, content);
        if (profile.writeOnly) continue;
        const again = await deliver(world.newStore(), key, content, new MemoryJournal());
        assert.deepEqual([again.outcome, again.receipt.key], ['already-there', receipt.key]);
      }
      assert.equal(world.traffic.open.size, 0);
    });

    test('an object that comes while a large file is sent is kept', async () => {
      const world = await worldOf(profile);
      const theirs = bytesOf(1_000, 5);
      const writer = profile.writeOnly ? undefined : world.newStore();
      let come: Promise<unknown> | undefined;
      // It has learnt what the store takes, and is quick.
      if (writer !== undefined) await deliver(writer, 'earlier.jpg', theirs);
      world.meddle = ({ operation, key }) => {
        if (operation === 'UploadPart' && key === 'film.mp4')
          come ??= writer && deliver(writer, 'film.mp4', theirs);
      };
      const { receipt } = await deliver(world.newStore(), 'film.mp4', LARGE, new MemoryJournal());
      await come;
      assertHolds(world, receipt.key, LARGE);
      if (writer !== undefined) assertHolds(world, 'film.mp4', theirs);
      assert.equal(world.traffic.open.size, 0);
    });

    test('check passes, and says what it leaves', async () => {
      const world = await worldOf(profile);
      const store = world.newStore();
      const { leftovers } = await store.roundTrip(NEVER);
      const ofParts = await store.twoPartTrip(NEVER, NEVER);
      assert.equal(ofParts.objects, profile.keeps === undefined ? 0 : 1);
      assert.equal(world.traffic.open.size, 0);
      assert.equal(leftovers.objects > 0, profile.keeps !== undefined, `${leftovers.objects} left`);
      assert.equal(leftovers.areVersions && leftovers.objects > 0, profile.keeps === 'versions');
      if (profile.keeps === undefined) assert.deepEqual(world.server.bucket('bucket')?.keys(''), []);
    });
  });
}

test('a name that MinIO never takes is that file’s fault', async () => {
  const minio = PROFILES.find(({ name }) => name === 'MinIO') ?? assert.fail();
  const { newStore } = await worldOf(minio);
  await assert.rejects(
    deliver(newStore(), 'cam\\1.jpg', SMALL),
    (fault) => fault instanceof Fault && fault.faultClass === 'file',
  );
});

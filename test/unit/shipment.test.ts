// Several files that are sent as one object: one proof for all of them, and each is removed by itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Shipment } from '../../src/drain/shipment.ts';
import { type OpenFile, type TransferOptions, transfer } from '../../src/drain/transfer.ts';
import { UnremovedUploads } from '../../src/drain/unremoved-uploads.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { isProofOf } from '../../src/spool/proof.ts';
import { ContentMemory } from '../../src/system/content-memory.ts';
import { FakeStore, faultOf } from '../support/drain-bench.ts';

const KEY = 'packet';
const SIZE_BYTES = 4;

function entryOf(name: string, ino: bigint): Entry {
  const identity = { dev: 1n, ino, sizeBytes: SIZE_BYTES, mtimeNs: 1n, ctimeNs: 1n };
  return { path: SpoolPath.from(name), identity, modifiedAtMs: 0 };
}

/** The contents one after the other. */
function packetOf(entries: readonly Entry[]): Shipment {
  const sizeBytes = entries.length * SIZE_BYTES;
  return {
    entries,
    sizeBytes,
    mayBeStored: false,
    plan: { isWhole: true, partSizeBytes: 100, partCount: 1, partsAtOnce: 1, memoryBytes: sizeBytes },
    key: () => KEY,
    contentOf: (files) => ({
      sizeBytes,
      read: async () => Buffer.concat(await Promise.all(files.map((file) => file.read(0, SIZE_BYTES)))),
    }),
  };
}

/** Two files; `cannotBeSetAside` and `isChanged` name one of them. */
function world({ cannotBeSetAside = '', isChanged = '' } = {}) {
  const entries = [entryOf('a', 1n), entryOf('b', 2n)];
  const content = Buffer.concat(entries.map(({ path }) => Buffer.alloc(SIZE_BYTES, `${path}`)));
  const store = new FakeStore(new Map([[KEY, content]]));
  const [recorded, removed, closed]: [string[], string[], string[]] = [[], [], []];
  const fileOf = ({ path, identity }: Entry): OpenFile => ({
    ...{ path, identity, sizeBytes: SIZE_BYTES },
    read: async (_, length, into = Buffer.alloc(length)) => into.fill(`${path}`),
    currentIdentity: async () => ({ ...identity, mtimeNs: `${path}` === isChanged ? 2n : 1n }),
    sync: async () => undefined,
    writers: async () => 'none',
    close: async () => void closed.push(`${path}`),
  });
  const options: TransferOptions = {
    store,
    unremoved: new UnremovedUploads(),
    memory: new ContentMemory(0),
    signal: new AbortController().signal,
    whileSyncing: (sync) => sync(),
    whileSending: (send) => send(),
    onRead: () => undefined,
    onStored: () => undefined,
    record: async ({ path }) => void recorded.push(`${path}`),
    waitForRoom: async () => undefined,
    spool: {
      openFile: async ({ id }) => fileOf(entries.find(({ path }) => path.id === id) ?? assert.fail(id)),
      journal: () => ({
        load: async () => undefined,
        save: async () => undefined,
        clear: async () => undefined,
      }),
      setAside: async ({ path, identity }) => {
        if (`${path}` === cannotBeSetAside) throw faultOf('blocked');
        return {
          remove: async (proof) => {
            assert.ok(isProofOf(proof, identity));
            removed.push(`${path}`);
          },
        };
      },
    },
  };
  return { options, store, removed, closed, shipment: packetOf(entries) };
}

test('files that are sent as one object are removed with one proof', async () => {
  const { options, store, removed, closed, shipment } = world();
  const { transferred, kept } = await transfer(shipment, options);
  assert.deepEqual([store.uploads, removed, closed], [[KEY], ['a', 'b'], ['a', 'b']]);
  assert.deepEqual([transferred.proof.key, transferred.proof.sizeBytes, kept.size], [KEY, 2 * SIZE_BYTES, 0]);
});

test('a file of them that cannot be removed stays, and keeps no other', async () => {
  const { options, removed, closed, shipment } = world({ cannotBeSetAside: 'a' });
  const { kept } = await transfer(shipment, options);
  assert.deepEqual([removed, [...kept.keys()], closed], [['b'], ['a'], ['a', 'b']]);
});

test('none of them is sent when one has changed, and all stay', async () => {
  const { options, store, removed, closed, shipment } = world({ isChanged: 'b' });
  await assert.rejects(transfer(shipment, options), { faultClass: 'changed' });
  assert.deepEqual([store.uploads, removed, closed], [[], [], ['a', 'b']]);
});

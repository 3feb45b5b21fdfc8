// What files wait for before they are packed, and what a stop or a failing packet does to the order.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Gathering } from '../../src/packets/gathering.ts';
import { PackedBacklog } from '../../src/packets/packed-backlog.ts';
import type { PackerPorts } from '../../src/packets/packer.ts';
import { SealedPackets } from '../../src/packets/sealed-packets.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { packetEntry } from '../support/packet-entry.ts';
import { SimClock } from '../support/sim-clock.ts';

const OPTIONS = {
  ...{ match: () => true, maxFileBytes: 100, sizeBytes: 1_000, maxFiles: 2 },
  ...{ maxDelayMs: 30_000, groupBy: 'none' as const },
};

function entryOf(name: string, sizeBytes = 10): Entry {
  const identity = { dev: 1n, ino: 1n, sizeBytes, mtimeNs: 0n, ctimeNs: 0n };
  return { path: SpoolPath.from(name), identity, modifiedAtMs: 0 };
}

/** A backlog with these files, and a disk that answers nothing. */
function gatheringOf(...files: Entry[]) {
  const clock = new SimClock();
  const returned: string[] = [];
  const take = (accepts: (entry: Entry) => boolean) => {
    const at = files.findIndex(accepts);
    return at === -1 ? undefined : files.splice(at, 1)[0];
  };
  const backlog = { take, release: (path: SpoolPath) => void returned.push(`${path}`) };
  const folder = { create: () => new Promise(() => undefined) };
  const gathering = new Gathering(
    {
      ...{ clock, backlog, packer: () => ({ folder }) as unknown as PackerPorts },
      ...{ waiting: () => ({ ready: 0, deferred: 0 }), isPacked: () => false },
      ...{ onSealed: () => undefined, onReturned: () => undefined, onEvent: () => undefined },
      onWork: () => undefined,
    },
    OPTIONS,
  );
  return { clock, gathering, backlog, returned };
}

test('a disk that stands still does not keep a stop waiting', async () => {
  const { clock, gathering, returned } = gatheringOf(entryOf('a'), entryOf('b'), entryOf('c'));
  gathering.gather();
  let isClosed = false;
  void gathering.close().then(() => {
    isClosed = true;
  });
  assert.deepEqual(returned, ['c'], 'the others are being written');
  await clock.advance(4_999);
  assert.equal(isClosed, false);
  await clock.advance(1);
  assert.equal(isClosed, true);
});

test('elsewhere in the order, files and other packets come before the first packet', () => {
  const { clock, gathering, backlog } = gatheringOf(entryOf('large', 1_000));
  const sealed = new SealedPackets();
  for (const id of ['p1', 'p2']) {
    const entry = packetEntry(`packets/${id}`, [id]);
    sealed.add({ ...entry, path: SpoolPath.from(id) }, entry.packet.members);
  }
  const packed = new PackedBacklog({
    ...{ clock, sealed, gathering, backlog: backlog as unknown as PackedBacklog, isForHere: () => true },
    ...{ onGivenBack: () => undefined, onWork: () => undefined },
  });
  const takenAt = (place: number) => `${packed.take(() => true, place)?.path}`;
  assert.deepEqual([takenAt(0.6), takenAt(0.6), takenAt(0)], ['large', 'p2', 'p1']);
});

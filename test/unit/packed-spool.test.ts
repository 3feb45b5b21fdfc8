// What becomes of the members of a packet: on a spool whose files are made up.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { DrainSpool } from '../../src/drain/drain-ports.ts';
import type { KnownObject } from '../../src/drain/known-object.ts';
import type { OpenFile } from '../../src/drain/transfer.ts';
import { isProof, verify } from '../../src/drain/verify.ts';
import { PackedSpool } from '../../src/packets/packed-spool.ts';
import type { PacketMember } from '../../src/packets/packet.ts';
import { PacketFolder } from '../../src/packets/packet-folder.ts';
import { SealedPackets } from '../../src/packets/sealed-packets.ts';
import type { SpoolPath } from '../../src/spool/entry.ts';
import type { Fault } from '../../src/system/fault.ts';
import { faultOf, localContent } from '../support/drain-bench.ts';
import { packetEntry } from '../support/packet-entry.ts';
import { SimClock } from '../support/sim-clock.ts';

const ZIP = Buffer.from('a zip');
const DIGEST = createHash('sha256').update(ZIP).digest('hex');

function spoolWith({ faults = {} as Record<string, Fault>, stored = true } = {}) {
  const did: string[] = [];
  const entry = packetEntry('packets/p1.zip', ['a', 'b', 'c']);
  const plan = { ...entry.packet, sizeBytes: ZIP.length, sha256Hex: DIGEST };
  const packet = { ...entry, packet: plan, removed: [] as PacketMember[] };
  const openFile = async (path: SpoolPath) => {
    const isZip = path.id === packet.path.id;
    const { identity } = isZip
      ? packet
      : (packet.packet.members.find((m) => m.path.id === path.id) ?? packet);
    const fault = faults[`read ${path}`];
    const read = async () => {
      if (fault !== undefined) throw fault;
      return ZIP;
    };
    const file = { path, identity, sizeBytes: identity.sizeBytes, read, currentIdentity: () => identity };
    return { ...file, sync: async () => undefined, close: async () => undefined } as unknown as OpenFile;
  };
  const setAside = async ({ path }: OpenFile) => ({
    remove: async () => {
      const fault = faults[`remove ${path}`];
      if (fault !== undefined) throw fault;
      did.push(`removed ${path}`);
    },
  });
  const spool = { openFile, setAside } as unknown as DrainSpool;
  const files = { discard: async (name: string) => void did.push(`discarded ${name}`) };
  const sealed = new SealedPackets();
  sealed.add(packet, plan.members);
  const made = new PackedSpool({
    ...{ spool, sealed, clock: new SimClock() },
    folder: new PacketFolder({ ownFiles: () => files } as unknown as ConstructorParameters<
      typeof PacketFolder
    >[0]),
    backlog: {
      settle: (_, { path }, outcome) => void (outcome === 'gone' || did.push(`${outcome} ${path}`)),
      alone: ({ path }) => void did.push(`alone ${path}`),
    },
    manifest: { record: async () => void did.push('recorded') },
    find: async ({ key, sizeBytes, sha256Hex, identity }: KnownObject) => {
      did.push(`asked for ${key}`);
      if (!stored) return undefined;
      const local = { ...localContent(ZIP), sizeBytes };
      assert.equal(local.parts[0]?.sha256Hex, sha256Hex);
      const receipt = { key, etag: local.parts[0]?.md5Hex ?? '' };
      const proof = verify(local, receipt, [identity]);
      assert.ok(isProof(proof));
      return { upload: { local, receipt, outcome: 'already-there' as const }, proof };
    },
    onRemoved: () => undefined,
    onRepeated: () => undefined,
    onRefused: async () => undefined,
    onLost: async () => void did.push('lost'),
    onEvent: ({ kind }) => void did.push(kind),
  });
  const proofOf = (content: Buffer) => {
    const local = localContent(content);
    const proof = verify(local, { key: packet.key, etag: local.parts[0]?.md5Hex ?? '' }, [packet.identity]);
    assert.ok(isProof(proof));
    return proof;
  };
  const remove = async (content = ZIP) => {
    const aside = await made.setAside(await made.openFile(packet.path), {
      ...{ identity: packet.identity, isUnchanged: async () => true },
    });
    await aside.remove(proofOf(content), async () => undefined);
    return aside.stuck?.map(({ name }) => name);
  };
  return { made, packet, did, remove };
}

const GONE = { code: 'ENOENT', faultClass: 'changed' };

test('a member that cannot be removed is told, and the packet is gone without it', async () => {
  const { remove, did } = spoolWith({ faults: { 'remove b': faultOf('blocked', { code: 'EPERM' }) } });
  assert.deepEqual(await remove(), ['b']);
  assert.deepEqual(did.slice(0, 2), ['removed a', 'removed c']);
  assert.ok(did.includes('discarded p1.zip'));
  assert.equal(did.at(-1), 'alone b');
});

test('what passes, or concerns the whole spool, keeps the packet', async () => {
  for (const fault of [faultOf('transient'), faultOf('breaker', { code: 'EROFS' })]) {
    const { remove, did } = spoolWith({ faults: { 'remove b': fault } });
    await assert.rejects(remove(), fault);
    assert.deepEqual(did, ['removed a', 'removed c']);
  }
});

test('a packet that cannot be read is looked for in the store, which has it', async () => {
  const eio = faultOf('unknown', { code: 'EIO' });
  const { made, packet, did } = spoolWith({ faults: { 'read .halfpipe/packets/p1.zip': eio } });
  const file = await made.openFile(packet.path);
  await assert.rejects(file.read(0, 1), eio);
  await assert.rejects(made.openFile(packet.path), GONE);
  assert.deepEqual(did.slice(0, 2), ['asked for packets/p1.zip', 'recorded']);
  assert.deepEqual(did.slice(-1), ['uploaded']);
  assert.deepEqual(
    did.filter((what) => what.startsWith('removed')),
    ['removed a', 'removed b', 'removed c'],
  );
});

test('a packet of which other bytes were sent removes nothing, and its files go again', async () => {
  const { made, packet, remove, did } = spoolWith({ stored: false });
  await assert.rejects(remove(Buffer.from('a zi?')), { code: 'NotProven' });
  assert.deepEqual(did, []);
  await assert.rejects(made.openFile(packet.path), GONE);
  assert.deepEqual(did, ['asked for packets/p1.zip', 'lost']);
});

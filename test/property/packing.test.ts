import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packetKey } from '../../src/packets/packet-key.ts';
import { type Group, Packing, type PackingOptions } from '../../src/packets/packing.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';

const options = fc.record<PackingOptions>({
  match: fc.constant(() => true),
  maxFileBytes: fc.constant(1_000),
  sizeBytes: fc.integer({ min: 1_000, max: 5_000 }),
  maxFiles: fc.integer({ min: 1, max: 20 }),
  maxDelayMs: fc.integer({ min: 0, max: 60_000 }),
  groupBy: fc.constantFrom('none', 'folder', 'hour'),
});

const step = fc.record({
  folder: fc.integer({ min: 0, max: 25 }),
  sizeBytes: fc.integer({ min: 0, max: 1_000 }),
  waitMs: fc.integer({ min: 0, max: 20_000 }),
  modifiedAtMs: fc.integer({ min: 0, max: 10 * 3_600_000 }),
});

interface Added {
  readonly entry: Entry;
  readonly atMs: number;
}

const entryOf = (name: string, sizeBytes: number, modifiedAtMs = 0): Entry => ({
  path: SpoolPath.from(name),
  identity: { dev: 1n, ino: 1n, sizeBytes, mtimeNs: 0n, ctimeNs: 0n },
  modifiedAtMs,
});

function takeAll(packing: Packing, nowMs: number): Group[] {
  const groups: Group[] = [];
  for (let group = packing.take(nowMs); group !== undefined; group = packing.take(nowMs)) groups.push(group);
  return groups;
}

test('each file is in exactly one group, within the limits, and in time', () => {
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 200 }), (limits, steps) => {
      const packing = new Packing(limits);
      const added = new Map<string, Added>();
      const seen: string[] = [];
      const judge = (group: Group, nowMs: number) => {
        const bytes = group.entries.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
        assert.ok(group.entries.length >= 1 && group.entries.length <= limits.maxFiles);
        assert.ok(bytes <= limits.sizeBytes);
        for (const { path } of group.entries) {
          seen.push(path.id);
          assert.ok(nowMs - (added.get(path.id)?.atMs ?? 0) <= limits.maxDelayMs);
        }
      };
      let nowMs = 0;
      for (const [number, { folder, sizeBytes, waitMs, modifiedAtMs }] of steps.entries()) {
        const untilMs = nowMs + waitMs;
        // As a caller that looks whenever something is due.
        for (let dueAtMs = packing.nextDueAtMs; dueAtMs !== undefined && dueAtMs <= untilMs; ) {
          nowMs = Math.max(nowMs, dueAtMs);
          const group = packing.take(nowMs);
          assert.ok(group !== undefined, 'nothing was due');
          judge(group, nowMs);
          dueAtMs = packing.nextDueAtMs;
        }
        nowMs = untilMs;
        const entry = entryOf(`${folder}/${number}`, sizeBytes, modifiedAtMs);
        added.set(entry.path.id, { entry, atMs: nowMs });
        packing.add(entry, nowMs);
      }
      seen.push(...packing.clear().map(({ path }) => path.id));
      assert.deepEqual(seen.sort(), [...added.keys()].sort());
    }),
  );
});

test('one poisonous file in a packet is sent alone after at most log2(n) + 1 refusals in a row', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (files, seed) => {
      const maxFiles = 300;
      const packing = new Packing({
        match: () => true,
        maxFileBytes: 10,
        sizeBytes: 10_000,
        maxFiles,
        maxDelayMs: 0,
        groupBy: 'none',
      });
      const poison = `${seed % files}`;
      let waiting = Array.from({ length: files }, (_, n) => entryOf(`${n}`, 1));
      const stored: string[] = [];
      let refusals = 0;
      for (let round = 0; waiting.length > 0; round += 1) {
        assert.ok(round < 20, 'the splitting ends');
        const again: Entry[] = [];
        for (const entry of waiting)
          if (packing.isPackable(entry)) packing.add(entry, round);
          else if (entry.path.id !== poison) stored.push(entry.path.id);
        for (const group of takeAll(packing, round + 2_000)) {
          if (!group.entries.some(({ path }) => path.id === poison)) {
            stored.push(...group.entries.map(({ path }) => path.id));
            continue;
          }
          refusals += 1;
          packing.split(group.entries);
          again.push(...group.entries);
        }
        waiting = again.filter((entry) => packing.isPackable(entry) || entry.path.id !== poison);
      }
      assert.equal(new Set(stored).size, files - 1, 'all others are stored');
      assert.ok(refusals <= Math.ceil(Math.log2(files)) + 1, `${refusals} refusals`);
    }),
  );
});

test('two packets never share a key, and a key is whole text of at most 1,024 bytes', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 600 });
  fc.assert(
    fc.property(text, text, fc.nat(), fc.constantFrom('a', 'b'), (group, host, wallMs, other) => {
      fc.pre(group.isWellFormed() && host.isWellFormed() && Buffer.byteLength(host) < 400);
      const facts = { wallMs, host, group, prefix: 'in/' };
      const template = 'packets/{group}/{date}/{group}-{time}-{host}-{digest}.zip';
      const key = packetKey(template, { ...facts, digestHex: 'ab'.repeat(32) });
      assert.ok(Buffer.byteLength(key) <= 1_024 && key.isWellFormed() && key.startsWith('in/packets/'));
      const digestHex = `${'ab'.repeat(15)}a${other}`.padEnd(64, '0');
      assert.equal(packetKey(template, { ...facts, digestHex }) === key, other === 'b');
    }),
  );
});

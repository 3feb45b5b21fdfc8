// Lists of files: what each says of a file, and that none is longer than asked.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Deferral } from '../../src/backlog/deferrals.ts';
import type { TransferView, WaitingFiles } from '../../src/drain/drain-ports.ts';
import { FileLists } from '../../src/report/file-lists.ts';
import { RecentFiles } from '../../src/report/recent-files.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { faultOf } from '../support/drain-bench.ts';
import { packetEntry } from '../support/packet-entry.ts';
import { SimClock } from '../support/sim-clock.ts';

function entry(name: string | Buffer, sizeBytes = 100, modifiedAtMs = 1_000.25): Entry {
  const path = typeof name === 'string' ? SpoolPath.from(name) : new SpoolPath(name);
  return { path, modifiedAtMs, identity: { sizeBytes } as Entry['identity'] };
}

function lists(facts: {
  waiting?: Entry[];
  deferred?: Deferral[];
  transfers?: TransferView[];
  requests?: { path: string; unsentBytes: number }[];
  held?: WaitingFiles[];
  quarantined?: string[];
  failures?: Record<string, object>;
  packets?: ConstructorParameters<typeof FileLists>[0]['packets'];
}) {
  const clock = new SimClock();
  const recent = new RecentFiles(clock, 3);
  const made = new FileLists({
    clock,
    recent,
    backlog: {
      waiting: (limit) => (facts.waiting ?? []).slice(0, limit),
      deferred: () => facts.deferred ?? [],
      skipped: (limit) =>
        [{ path: SpoolPath.from('link'), what: 'a symbolic link', remedy: 'put the file' }].slice(0, limit),
      view: () =>
        ({ files: 1_000_000, inFlight: 2, deferred: 7, written: 1, skipped: [{ count: 9 }] }) as never,
    },
    drain: {
      transfers: () => facts.transfers ?? [],
      failureOf: (path) => facts.failures?.[`${path}`] as never,
      waiting: facts.held ?? [],
    },
    packets: facts.packets ?? { packets: [], gatheredFiles: [] },
    spool: {
      async *listQuarantine() {
        for (const name of facts.quarantined ?? [])
          yield {
            id: `id-${name}`,
            path: SpoolPath.from(name),
            reason: 'why',
            at: '2026-01-01T00:00:00.000Z',
          };
      },
      quarantinedBytes: async ({ id }) => (id === 'id-taken' ? undefined : 5),
      quarantinedCount: async () => (facts.quarantined ?? []).length,
    },
    requests: () => facts.requests ?? [],
  });
  return { made, clock, recent };
}

test('waiting files come in their order, with the count of all', async () => {
  const { made } = lists({ waiting: [entry('a'), entry('b'), entry('c')] });
  const { files, total } = await made.of('waiting', 2);
  assert.deepEqual(
    files.map(({ path, sizeBytes, modifiedAtMs }) => [path, sizeBytes, modifiedAtMs]),
    [
      ['a', 100, 1_000],
      ['b', 100, 1_000],
    ],
  );
  assert.equal(total, 1_000_000 - 2 - 7 - 1);
});

test('packets that are not sent yet and files that wait for company are among those that wait', async () => {
  const packet = packetEntry('p.zip', ['m', 'n']);
  const left = new Map(packet.removed.map((member) => [member.name, member]));
  const { made } = lists({
    waiting: [entry('a')],
    packets: {
      packets: [
        { entry: packet, left, isTaken: false },
        { entry: packet, left, isTaken: true },
      ],
      gatheredFiles: [entry('alone')],
    },
  });
  const { files, total } = await made.of('waiting', 9);
  assert.deepEqual(
    files.map(({ path, state, files: packed, key }) => [path, state, packed, key]),
    [
      ['.halfpipe/packets/p1.zip', 'waiting', 2, 'p.zip'],
      ['alone', 'waits for company', null, null],
      ['a', 'waiting', null, null],
    ],
  );
  assert.equal(total, 1_000_000 - 2 - 7 - 1 + 2);
  assert.equal((await made.of('waiting', 2)).files.length, 2);
});

test('of a packet in flight, the list tells how many files it has', async () => {
  const packet = packetEntry('p.zip', ['m', 'n']);
  const { made } = lists({ transfers: [{ ...transfer('p.zip', 'sending', 0), entry: packet }] });
  assert.equal((await made.of('sending', 9)).files[0]?.files, 2);
});

test('a path that is not UTF-8 keeps its bytes', async () => {
  const bytes = Buffer.from([0x61, 0xff]);
  const { made } = lists({ waiting: [entry(bytes), entry('plain')] });
  const { files } = await made.of('waiting', 9);
  assert.equal(Buffer.from(files[0]?.pathBase64 ?? '', 'base64').equals(bytes), true);
  assert.equal(files[1]?.pathBase64, null);
});

function transfer(name: string, stage: TransferView['stage'], readBytes: number): TransferView {
  return { entry: entry(name), key: `p/${name}`, stage, startedAtMs: 0, readBytes };
}

test('what was sent of a file is what was read, without what its own requests still hold', async () => {
  const { made } = lists({
    transfers: [
      transfer('ahead', 'ahead', 100),
      transfer('whole file', 'sending', 100),
      transfer('part', 'sending', 60),
      transfer('gone', 'disposing', 100),
    ],
    requests: [
      { path: '/bucket/p/whole%20file', unsentBytes: 70 },
      { path: '/p/part', unsentBytes: 20 },
      { path: '/p/part', unsentBytes: 20 },
      { path: '/p/other', unsentBytes: 99 },
      { path: '/%zz', unsentBytes: 1 },
    ],
  });
  const { files } = await made.of('sending', 9);
  assert.deepEqual(
    files.map(({ path, state, sentBytes }) => [path, state, sentBytes]),
    [
      ['ahead', 'read ahead', 0],
      ['whole file', 'sending', 30],
      ['part', 'sending', 20],
      ['gone', 'removing', 100],
    ],
  );
});

test('deferred files say why, how often they failed and when they are tried again; held folders come first', async () => {
  const fault = faultOf('unknown', { code: 'AccessDenied' });
  const { made, clock } = lists({
    held: [
      { reason: 'AccessDenied', files: 300, example: 'cam2/', isFolder: true, fault, nextTryAtMs: 9_000 },
    ],
    deferred: [
      { entry: entry('young', 1, 2_000), dueAtMs: 5_000 },
      { entry: entry('old', 1, 1_000), dueAtMs: 7_000 },
      { entry: entry('open', 1, 3_000), dueAtMs: 1_000, dueWhenChangedMs: 10 },
    ],
    failures: { old: { failures: 4, why: { code: 'EIO', message: 'broken', hint: 'see the disk' } } },
  });
  const { files, total } = await made.of('deferred', 9);
  assert.deepEqual(
    files.map(({ path, state, attempts, code }) => [path, state, attempts, code]),
    [
      ['cam2/', '300 held with their folder', null, 'AccessDenied'],
      ['old', 'deferred', 4, 'EIO'],
      ['young', 'deferred', null, null],
      ['open', 'still being written', null, null],
    ],
  );
  assert.equal(files[1]?.nextTryAtMs, clock.wallMs() + 7_000);
  assert.equal(files[1]?.remedy, 'see the disk');
  assert.equal(total, 8);
});

test('the quarantine leaves out what a human has taken', async () => {
  const { made } = lists({ quarantined: ['a', 'taken', 'b'] });
  const { files } = await made.of('quarantined', 9);
  assert.deepEqual(
    files.map(({ path, id, reason }) => [path, id, reason]),
    [
      ['a', 'id-a', 'why'],
      ['b', 'id-b', 'why'],
    ],
  );
  assert.equal((await made.of('quarantined', 1)).files.length, 1);
});

test('skipped things are named, and counted beyond what is remembered', async () => {
  const { files, total } = await lists({}).made.of('skipped', 9);
  assert.deepEqual(
    [files[0]?.path, files[0]?.state, files[0]?.remedy, total],
    ['link', 'a symbolic link', 'put the file', 9],
  );
});

test('recent failures and uploads come newest first, and are bounded', async () => {
  const { made, clock, recent } = lists({});
  const fault = faultOf('transient', { code: 'ECONNRESET' });
  for (let at = 0; at < 50; at += 1) {
    recent.hear({ kind: 'deferred', entry: entry(`f${at}`), fault, delayMs: 5_000, isNews: false });
    await clock.advance(1_000);
  }
  recent.hear({ kind: 'quarantined', entry: entry('bad'), fault });
  const { files, total } = await made.of('recent', 3);
  assert.deepEqual(
    files.map(({ path, state }) => `${path} ${state}`),
    ['bad quarantined', 'f49 deferred', 'f48 deferred'],
  );
  assert.ok(total <= 6, `${total} remembered`);
  assert.equal(recent.failures(1)[0]?.code, 'ECONNRESET');
});

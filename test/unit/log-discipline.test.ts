// No line more than once a minute for one state, whatever happens how often.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { Reporter } from '../../src/report/reporter.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { faultOf, localContent } from '../support/drain-bench.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const MINUTE_MS = 60_000;
const EVENTS = 10_000;
const path = SpoolPath.from('a.jpg');
const identity = { dev: 1n, ino: 1n, sizeBytes: 5, mtimeNs: 1n, ctimeNs: 1n };
const entry: Entry = { path, identity, modifiedAtMs: 0 };
const fault = faultOf('blocked', { code: 'EACCES' });
const packet = { id: 'x', key: 'packets/x.zip', sizeBytes: 9, members: [entry] };
const local = localContent(Buffer.from('hello'));
const proof = verify(local, { key: 'a.jpg', etag: local.parts[0]?.md5Hex ?? '' });
const steered = { paused: null, share: 0.5, shareFrom: 'config', shareUntilMs: null } as const;
const identityOfLink = {
  ...{ name: 'eth0', via: undefined, carriers: [], counter: undefined, segment: 'unknown' },
  ...{ capacityBitsPerSec: 1e8, capacityFrom: 'link.capacity', warnings: ['it is a bridge'], isGuess: false },
} as const;

const REFUSED = {
  ...{ status: 409, problem: 'name-taken', token: 'camera-7', client: '192.0.2.9' },
  ...{ path: 'a.jpg', detail: 'another file has this name' },
} as const;

/** One of each kind. A new kind of event does not compile until it is here. */
const EVENT_OF: { readonly [Kind in DaemonEvent['kind']]: unknown } = {
  activity: { activity: {}, elapsedMs: 100, pace: undefined, uploads: { active: 0, limit: 1 } },
  asideStep: { path, step: 'back' },
  deferred: { entry, fault, delayMs: 600_000, isNews: true },
  fault: { operation: 'prune folders', error: new Error('EIO') },
  folderFreed: { folder: 'cam/' },
  folderHeld: { folder: 'cam/', fault },
  ingestBroke: { problem: 'out of memory' },
  ingestDown: { error: fault },
  observeDown: { error: fault },
  ingestListening: { urls: ['https://192.0.2.7:8443'], isTls: true },
  ingestRefused: { ...REFUSED },
  ingestState: { receiving: 1, connections: 1, waitingSync: 0, receivedBytes: 5 },
  ingested: { path: 'a.jpg', sizeBytes: 5, token: 'camera-7', outcome: 'created', elapsedMs: 9 },
  lateWrite: { path, problem: undefined },
  link: { identity: identityOfLink },
  linkBeyond: {},
  linkMeasurable: { problem: 'no route to 198.51.100.7' },
  linkUnsure: { reason: 'no route to 198.51.100.7' },
  manifestRepaired: { path: '/m.jsonl', cutBytes: 7 },
  notice: { notice: 'the store takes no tags' },
  observing: { urls: ['http://127.0.0.1:9464'], isOpen: false },
  oddities: { oddity: { kind: 'FIFO' }, paths: [path], count: 1 },
  openWriters: { problem: 'perl has ended' },
  orderKept: { problem: 'EROFS' },
  packed: { packet },
  packetDropped: { id: 'x', reason: 'its files are gone', repeated: 2 },
  packetSplit: { packet, reason: 'refused', repeated: 0 },
  membersUploaded: { packet, members: packet.members },
  membersRepeated: { packet, members: packet.members },
  packingRests: { why: 'unwritable', fault, forMs: 60_000 },
  paused: { fault },
  putBack: { recovery: { restored: 2, waiting: 1 } },
  quarantined: { entry, fault },
  reloadRefused: { problem: 'link.share' },
  reloaded: { changed: [] },
  request: { request: {} },
  resumed: {},
  scanFailed: { fault },
  scanRecovered: {},
  scanned: { result: {}, durationMs: 1 },
  slowDown: {},
  spoolBack: {},
  scanThreadUnavailable: { code: 'ERR_WORKER_OUT_OF_MEMORY' },
  state: { snapshot: DRAINING },
  steered: { now: { ...steered, share: 0.3 }, before: steered },
  stillWritten: { entry, fault },
  superseded: { quarantined: { path, reason: 'a newer file has its name' } },
  swept: { uploads: 2 },
  unsaved: { path, fault },
  uploaded: {
    entry,
    transferred: {
      proof: isProof(proof) ? proof : undefined,
      outcome: 'stored',
      multipart: false,
      sha256Hex: undefined,
    },
    durationMs: 1,
  },
  waitingForLink: { fault },
  watchUnavailable: { code: 'ENOSPC' },
};

/** They tell no state, but what became of a file, or the answer to an operator. */
const FACTS = [
  ...['uploaded', 'membersUploaded', 'quarantined', 'superseded', 'reloaded', 'steered', 'observing'],
  'ingested',
  'packed',
];

function reporting() {
  const clock = new SimClock();
  const log = new KeptLog();
  log.level = 'info';
  const reporter = new Reporter(clock, log);
  const hear = (kind: string) =>
    reporter.hear({ kind, ...Object(EVENT_OF[kind as DaemonEvent['kind']]) } as DaemonEvent);
  return { clock, log, reporter, hear };
}

/** Spread over a minute. */
async function often(clock: SimClock, act: (at: number) => void): Promise<void> {
  for (let at = 0; at < EVENTS; at += 1) {
    act(at);
    if (at % 100 === 99) await clock.advance(MINUTE_MS / 100);
  }
}

for (const kind of Object.keys(EVENT_OF).filter((name) => !FACTS.includes(name)))
  test(`${kind}, 10,000 times in a minute, is one line a minute at most`, async () => {
    const { clock, log, hear } = reporting();
    await often(clock, () => hear(kind));
    const inFirst = log.records.length;
    await often(clock, () => hear(kind));
    await often(clock, () => hear(kind));
    // A link has a line, and one for each of its warnings.
    const lines = kind === 'link' ? 2 : 1;
    assert.ok(inFirst <= lines + 1, log.records.map(({ message }) => message).join('\n'));
    assert.ok(log.records.length <= 4 * lines, `${log.records.length} lines in three minutes`);
  });

for (const [bad, good] of [
  ['paused', 'resumed'],
  ['folderHeld', 'folderFreed'],
  ['scanFailed', 'scanRecovered'],
  ['ingestBroke', 'ingestListening'],
  ['ingestDown', 'ingestListening'],
  ['observeDown', 'observing'],
] as const)
  test(`${bad} and ${good} in turn are two lines a minute, and the last one is true`, async () => {
    const { clock, log, hear } = reporting();
    await often(clock, (at) => hear(at % 2 === 0 ? bad : good));
    hear(bad);
    await clock.advance(2 * MINUTE_MS);
    assert.ok(log.records.length <= 6, `${log.records.length} lines in three minutes`);
    assert.equal(log.records.at(-1)?.fields.event, bad);
  });

test('a link that is lost and found again, every 0.7 s for an hour, is two lines a minute', async () => {
  const { clock, log, reporter } = reporting();
  for (let at = 0; at < 5_143; at += 1) {
    reporter.hear({ kind: 'linkMeasurable', problem: at % 2 === 0 ? 'no route to 198.51.100.7' : undefined });
    await clock.advance(700);
  }
  assert.ok(log.records.length <= 2 * 60 + 2, `${log.records.length} lines in an hour`);
  await clock.advance(MINUTE_MS);
  assert.equal(log.records.at(-1)?.fields.event, 'degraded');
  assert.match(log.records.at(-1)?.message ?? '', /times in the last minute$/);
});

test('in a storm every deferred file is named in a record, and the journal has a field for each', async () => {
  const { clock, log, reporter } = reporting();
  const names = Array.from({ length: 300 }, (_, at) => `cam/${at}.jpg`);
  for (const name of names) {
    const path = SpoolPath.from(name);
    reporter.hear({
      ...{ kind: 'deferred', entry: { ...entry, path } },
      ...{ fault, delayMs: 1_000, isNews: true },
    });
  }
  await clock.advance(MINUTE_MS);
  assert.deepEqual(log.events, ['deferred', 'deferred']);
  const named = log.records.flatMap(({ fields }) => fields.file);
  assert.deepEqual(named.toSorted(), names.toSorted());
  assert.match(
    log.records[1]?.message ?? '',
    /299 times in the last minute; others: cam\/1\.jpg, .* and 293 more$/,
  );
});

test('a stuck file is a line when it is deferred, and summaries that become rare', async () => {
  const { clock, log, reporter, hear } = reporting();
  hear('deferred');
  const backlog = { ...DRAINING.backlog, files: 3, deferred: 3 };
  for (let at = 0; at < 12 * 3_600; at += 2) {
    reporter.hear({
      kind: 'state',
      snapshot: { ...DRAINING, backlog: { ...backlog, oldestAgeMs: at * 1_000 } },
    });
    await clock.advance(2_000);
  }
  const { length } = log.records;
  assert.ok(length >= 10 && length <= 20, `${length} lines in 12 hours`);
});

test('work is summed up soon after its start, and then once a minute', async () => {
  const { clock, log, reporter } = reporting();
  await clock.advance(10_000);
  for (let at = 0; at < 300; at += 2) {
    reporter.hear({ kind: 'state', snapshot: DRAINING });
    if (at === 0) assert.deepEqual(log.events, ['summary']);
    await clock.advance(2_000);
  }
  assert.deepEqual(log.events, Array(5).fill('summary'));
});

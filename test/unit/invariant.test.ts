// What must never happen ends the process, also where the caller takes every error for a failure of the file.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { InFlight } from '../../src/backlog/in-flight.ts';
import { UploadMemory } from '../../src/drain/upload-memory.ts';
import { AsideSlots } from '../../src/spool/aside-slots.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { OpenDirectory } from '../../src/spool/open-directory.ts';
import { BrokenInvariant } from '../../src/system/invariant.ts';
import { RequestService } from '../../src/thread/request-service.ts';
import { DIRECT } from '../support/direct-way.ts';
import { SimClock } from '../support/sim-clock.ts';

const path = SpoolPath.from('a');

/** `act` breaks the rule: it throws, and so does what nothing catches. */
function endsTheProcess(t: TestContext, act: () => void, rule: RegExp): void {
  const alone: (() => void)[] = [];
  t.mock.method(globalThis, 'queueMicrotask', (later: () => void) => alone.push(later));
  assert.throws(act, BrokenInvariant);
  const [later] = alone;
  assert.ok(later, 'nothing is thrown on its own');
  assert.throws(later, rule);
}

test('a file that is given back twice ends the process', (t) => {
  const inFlight = new InFlight();
  inFlight.begin({ path, identity: IDENTITY, modifiedAtMs: 0 });
  assert.equal(inFlight.end(path).entry.path, path);
  endsTheProcess(t, () => void inFlight.end(path), /given back once, and a is not in flight/);
});

test('a file that is handed out while it is in flight ends the process', (t) => {
  const inFlight = new InFlight();
  const entry = { path, identity: IDENTITY, modifiedAtMs: 0 };
  inFlight.begin(entry);
  endsTheProcess(t, () => inFlight.begin(entry), /handed out once at a time, and a is in flight/);
});

test('a place aside that is freed twice ends the process', (t) => {
  const home = { lookUpNow: () => undefined } as unknown as OpenDirectory;
  const slots = new AsideSlots(home);
  const slot = slots.claim(path);
  slots.free(slot);
  endsTheProcess(t, () => slots.free(slot), /freed once/);
});

test('a place aside belongs to one file at a time', () => {
  const slots = new AsideSlots({ lookUpNow: () => undefined } as unknown as OpenDirectory);
  const [first, second] = [slots.claim(path), slots.claim(path)];
  assert.notDeepEqual(first, second);
  slots.free(first);
  assert.deepEqual(slots.claim(path), first);
});

test('memory that is released twice ends the process', (t) => {
  const memory = new UploadMemory(8);
  const release = memory.reserve({ isWhole: true, memoryBytes: 4 });
  release();
  endsTheProcess(t, release, /released once/);
});

test('a request that begins while it is under way ends the process', (t) => {
  const never = { sliceBytes: () => 1, ask: () => undefined, over: () => undefined };
  const service = new RequestService(() => undefined, never, new SimClock());
  const limits = { connectTimeoutMs: 1, idleTimeoutMs: 1, deadlineMs: 1, maxSockets: 1 };
  service.obey({ kind: 'open', handler: 1, options: limits, wayOut: DIRECT });
  const head = { protocol: 'http:', host: 'localhost', port: 1, method: 'PUT', target: '/', fields: '' };
  const order = { kind: 'request', id: 1, handler: 1, head, bodyBytes: 0, piece: undefined } as const;
  service.obey(order);
  endsTheProcess(t, () => service.obey(order), /begins once, and request 1 is under way/);
});

const IDENTITY = { dev: 1n, ino: 1n, sizeBytes: 1, mtimeNs: 1n, ctimeNs: 1n };

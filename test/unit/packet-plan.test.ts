// A packet's plan on the disk.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodePlan, encodePlan } from '../../src/packets/packet-plan.ts';
import { packetEntry } from '../support/packet-entry.ts';

const { packet } = packetEntry('packets/p1.zip', ['a', 'ü/b']);
const DEV = 1n;

test('a plan is read as it was written', () => {
  assert.deepEqual(decodePlan(encodePlan(packet), DEV), packet);
});

test('members have the number that their file system has now', () => {
  const [member] = decodePlan(encodePlan(packet), 7n)?.members ?? [];
  assert.equal(member?.identity.dev, 7n);
});

test('a plan of another version, or a part of one, is none', () => {
  const text = encodePlan(packet);
  assert.equal(decodePlan(text.replace('"version":2', '"version":1'), DEV), undefined);
  assert.equal(decodePlan(text.slice(0, -3), DEV), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BacklogLimit } from '../../src/config/ingest-formats.ts';
import { BacklogGate } from '../../src/ingest/backlog-gate.ts';
import { Refusal } from '../../src/ingest/refusal.ts';

const full = (error: unknown) => error instanceof Refusal && error.kind === 'backlog-full';

function prepare(limit: BacklogLimit) {
  const gate = new BacklogGate(limit);
  const told = (files: number, scans: number) =>
    gate.told({ files, bytes: 10 * files, oldestAgeMs: undefined, scans });
  /** A file of 10 bytes that comes into the spool. */
  const accept = () => {
    const place = gate.admit(10);
    place.keep(10);
    place.release();
  };
  const requireFull = (sizeBytes = 0) => assert.throws(() => gate.admit(sizeBytes), full);
  return { gate, told, accept, requireFull };
}

test('uploads under way count as if they were in the spool, until they end', () => {
  const { gate, told, requireFull } = prepare({ files: 3 });
  told(1, 1);
  const [first] = [gate.admit(10), gate.admit(10)];
  requireFull();
  first.release();
  gate.admit(10);
  requireFull();
});

test('the bytes of uploads under way count: those that a length has announced, and those that have come', () => {
  const { gate, requireFull } = prepare({ bytes: 100 });
  const known = gate.admit(60);
  const chunked = gate.admit(0);
  chunked.grow(35);
  requireFull(6);
  gate.admit(5).release();
  known.release();
  gate.admit(65).release();
  requireFull(66);
  chunked.release();
  gate.admit(100);
});

test('a file that was accepted counts until a scan that began after it has ended, and once', () => {
  const { told, accept, requireFull } = prepare({ files: 2 });
  told(0, 5);
  accept();
  accept();
  // The sixth scan may have begun before the files came.
  for (const scans of [5, 5, 6]) {
    told(0, scans);
    requireFull();
  }
  told(1, 7);
  accept();
  requireFull();
  told(1, 8);
  requireFull();
  told(1, 9);
  requireFull();
  told(1, 10);
  accept();
});

test('many files between two looks of the main thread are remembered as sums', () => {
  const { told, accept, requireFull } = prepare({ files: 1_000 });
  for (let n = 0; n < 1_000; n += 1) {
    accept();
    told(0, 1);
  }
  requireFull();
  told(0, 3);
  accept();
});

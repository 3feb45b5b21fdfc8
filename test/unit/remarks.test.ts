// What is remembered of events that say that something lasts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Remarks } from '../../src/report/remarks.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { faultOf } from '../support/drain-bench.ts';
import { SimClock } from '../support/sim-clock.ts';

const path = SpoolPath.from('a.jpg');

test('a file is unsaved while its attempts are reported, and a few seconds longer', async () => {
  const clock = new SimClock();
  const remarks = new Remarks(clock);
  remarks.hear({ kind: 'unsaved', path, fault: faultOf('breaker') });
  assert.deepEqual(
    remarks.unsaved.map((file) => file.path),
    ['a.jpg'],
  );
  await clock.advance(5_001);
  assert.deepEqual(remarks.unsaved, []);
});

test('a file that was written to too late is unsaved until it is back', async () => {
  const clock = new SimClock();
  const remarks = new Remarks(clock);
  remarks.hear({ kind: 'lateWrite', path, problem: new Error('no room') });
  await clock.advance(1_000_000);
  assert.deepEqual(
    remarks.unsaved.map(({ message }) => message),
    ['no room'],
  );
  remarks.hear({ kind: 'lateWrite', path, problem: undefined });
  assert.deepEqual(remarks.unsaved, []);
});

test('a refused reload counts until the next one is accepted, an order that was not kept until one is', () => {
  const remarks = new Remarks(new SimClock());
  remarks.hear({ kind: 'reloadRefused', problem: 'no such key' });
  remarks.hear({ kind: 'orderKept', problem: 'EROFS' });
  assert.deepEqual([remarks.refusedReload, remarks.unkeptOrder], ['no such key', 'EROFS']);
  remarks.hear({ kind: 'reloaded', changed: [] });
  remarks.hear({ kind: 'orderKept', problem: undefined });
  assert.deepEqual([remarks.refusedReload, remarks.unkeptOrder], [undefined, undefined]);
});

test('a listener for observers that fails counts until it is open, or turned off', () => {
  const remarks = new Remarks(new SimClock());
  remarks.hear({ kind: 'observeDown', error: 'EADDRINUSE' });
  assert.equal(remarks.unobserved, 'EADDRINUSE');
  remarks.hear({ kind: 'observing', urls: [], isOpen: false });
  assert.equal(remarks.unobserved, undefined);
});

// Which multipart uploads are given up at the start and later, and which are not.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SweepEvent } from '../../src/drain/drain-event.ts';
import { Sweep, type SweptDrain, type SweptSpool, sweepOrphans } from '../../src/drain/sweep.ts';
import { type FileIdentity, SpoolPath } from '../../src/spool/entry.ts';
import type { JournaledUpload } from '../../src/store/object-store.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';
import { SimClock } from '../support/sim-clock.ts';

const IDENTITY = { dev: 1n, ino: 1n, sizeBytes: 9, mtimeNs: 1n, ctimeNs: 1n };
const MINUTES = 60_000;
const NEVER = new AbortController().signal;

/** A spool with one journal a name; a name with a fault class cannot be opened, others have an identity by now. */
function spoolOf(
  files: Readonly<Record<string, FaultClass | Partial<FileIdentity>>>,
  replaced: readonly string[] = [],
) {
  const cleared: string[] = [];
  const saved: JournaledUpload[] = [];
  let closed = 0;
  const spool: SweptSpool = {
    async *journals<T>() {
      for (const name of Object.keys(files)) {
        yield { path: SpoolPath.from(name), identity: IDENTITY, value: uploadOf(name) as T };
      }
    },
    journal: ({ path }) => ({
      load: async () => (replaced.includes(`${path}`) ? undefined : uploadOf(`${path}`)),
      save: async (upload) => void saved.push(upload),
      clear: async () => void cleared.push(`${path}`),
    }),
    openFile: async (path) => {
      const state = files[`${path}`] ?? 'changed';
      if (typeof state === 'string') throw new Fault(state, 'no', { operation: 'open', subject: `${path}` });
      return {
        identity: { ...IDENTITY, ...state },
        close: async () => {
          closed += 1;
        },
      };
    },
  };
  return { spool, cleared, saved, closedFiles: () => closed };
}

function uploadOf(name: string): JournaledUpload {
  return { bucket: 'b', key: name, uploadId: `id-${name}`, partSizeBytes: 5 };
}

function drainOf(store: SweptDrain['destination']['store'], underWay: readonly string[] = []): SweptDrain {
  return { destination: { store }, isTransferring: (path) => underWay.includes(`${path}`) };
}

test('aborts the uploads of files that are gone or changed, and no others', async () => {
  const { spool, cleared, closedFiles } = spoolOf({
    gone: 'changed',
    rewritten: { mtimeNs: 2n },
    there: {},
    permitted: { ctimeNs: 2n },
    locked: 'blocked',
  });
  const abandoned: string[] = [];
  const store = {
    abandon: async ({ uploadId = '' }: JournaledUpload): Promise<undefined> => void abandoned.push(uploadId),
  };
  assert.equal(await sweepOrphans(spool, drainOf(store), NEVER), 2);
  assert.deepEqual(abandoned, ['id-gone', 'id-rewritten']);
  assert.deepEqual(cleared, ['gone', 'rewritten']);
  assert.equal(closedFiles(), 3);
});

test('keeps the journal of an upload that could not be aborted', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed' });
  const away = new Fault('transient', 'refused', { operation: 'abort', subject: 'gone' });
  const store = { abandon: () => Promise.reject(away) };
  await assert.rejects(sweepOrphans(spool, drainOf(store), NEVER), away);
  assert.deepEqual(cleared, []);
});

// The first failure ended the sweep, at every start: one upload that may not be aborted kept all others open for ever.
test('one upload that cannot be aborted does not keep the others from it', async () => {
  const { spool, cleared } = spoolOf({ denied: 'changed', gone: 'changed' });
  const denied = new Fault('breaker', 'denied', { operation: 'abort', subject: 'denied' });
  const store = {
    abandon: async ({ key }: JournaledUpload): Promise<undefined> => {
      if (key === 'denied') throw denied;
    },
  };
  await assert.rejects(sweepOrphans(spool, drainOf(store), NEVER), denied);
  assert.deepEqual(cleared, ['gone']);
});

test('a stop ends the sweep at once', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed', too: 'changed' });
  const stop = new AbortController();
  const asked: string[] = [];
  const store = {
    abandon: async ({ key }: JournaledUpload, signal: AbortSignal): Promise<undefined> => {
      asked.push(key);
      stop.abort(new Error('stop'));
      signal.throwIfAborted();
    },
  };
  await assert.rejects(sweepOrphans(spool, drainOf(store), stop.signal), /stop/);
  assert.deepEqual([asked, cleared], [['gone'], []]);
});

// Found by the simulation: the sweep waited for the store while the drain journaled the new content's upload.
test('leaves a record alone that was replaced while the store was asked', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed' }, ['gone']);
  assert.equal(await sweepOrphans(spool, drainOf({ abandon: async () => undefined }), NEVER), 0);
  assert.deepEqual(cleared, []);
});

test('an upload that is elsewhere stays on record, for when its store comes back', async () => {
  const { spool, cleared, saved } = spoolOf({ gone: 'changed' });
  const left = {
    ...uploadOf('gone'),
    left: [{ endpoint: 'http://former', bucket: 'b', key: 'gone', uploadId: 'x' }],
  };
  assert.equal(await sweepOrphans(spool, drainOf({ abandon: async () => left }), NEVER), 0);
  assert.deepEqual([cleared, saved], [[], [left]]);
});

test('leaves an upload alone that is under way, though its file was just removed', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed', sending: 'changed' });
  const abandoned: string[] = [];
  const store = {
    abandon: async ({ uploadId = '' }: JournaledUpload): Promise<undefined> => void abandoned.push(uploadId),
  };
  assert.equal(await sweepOrphans(spool, drainOf(store, ['sending']), NEVER), 1);
  assert.deepEqual([abandoned, cleared], [['id-gone'], ['gone']]);
});

// Regression: the upload of a file that its producer removed while it waited stayed open until the next start, and
// longer when the store was away then.
test('sweeps every hour, sooner after a sweep that failed, and no more once stopped', async () => {
  const clock = new SimClock();
  const { spool } = spoolOf({ gone: 'changed' });
  const sweeps: [minute: number, what: unknown][] = [];
  const note = (what: unknown) => void sweeps.push([clock.monotonicMs() / MINUTES, what]);
  const away = new Fault('transient', 'refused', { operation: 'abort', subject: 'gone' });
  const store = {
    abandon: async (): Promise<undefined> => {
      if (clock.monotonicMs() < 8 * MINUTES) throw away;
    },
  };
  const onEvent = (event: SweepEvent) => note(event.kind === 'swept' ? event.uploads : event.error);
  const sweep = new Sweep({ spool, drain: drainOf(store), clock, onEvent });
  sweep.start();
  await clock.advance(80 * MINUTES);
  await sweep.stop();
  await clock.advance(600 * MINUTES);
  assert.deepEqual(sweeps, [
    [0, away],
    [5, away],
    [10, 1],
    [70, 1],
  ]);
});

test('leaves a record alone whose file the drain has begun to send while the store was asked', async () => {
  const { spool, cleared, saved } = spoolOf({ gone: 'changed' });
  const underWay: string[] = [];
  const store = { abandon: async (): Promise<undefined> => void underWay.push('gone') };
  assert.equal(await sweepOrphans(spool, drainOf(store, underWay), NEVER), 0);
  assert.deepEqual([cleared, saved], [[], []]);
});

test('a stop waits for the sweep under way, tells of no failure, and no other sweep follows', async () => {
  const clock = new SimClock();
  const { spool } = spoolOf({ gone: 'changed' });
  const told: unknown[] = [];
  const happened: string[] = [];
  const store = {
    abandon: (_: JournaledUpload, signal: AbortSignal) =>
      new Promise<undefined>((_resolve, reject) => {
        const end = () => {
          happened.push('the request has ended');
          reject(signal.reason);
        };
        signal.addEventListener('abort', () => clock.schedule(1_000, end));
      }),
  };
  const onEvent = (event: SweepEvent) => told.push(event.kind === 'swept' ? event.uploads : 'fault');
  const sweep = new Sweep({ spool, drain: drainOf(store), clock, onEvent });
  sweep.start();
  await clock.advance(0);
  const stopped = sweep.stop().then(() => happened.push('stopped'));
  await clock.advance(1_000);
  await stopped;
  assert.deepEqual([happened, told], [['the request has ended', 'stopped'], []]);
  assert.equal(clock.pending, 0);
});

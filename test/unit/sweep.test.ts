// Which multipart uploads of an earlier run are given up at the start, and which are not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type SweptSpool, sweepOrphans } from '../../src/drain/sweep.ts';
import { type FileIdentity, SpoolPath } from '../../src/spool/entry.ts';
import type { JournaledUpload } from '../../src/store/object-store.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';

const IDENTITY = { dev: 1n, ino: 1n, sizeBytes: 9, mtimeNs: 1n, ctimeNs: 1n };
const NEVER = new AbortController().signal;

/** A spool with one journal a name; a name with a fault class cannot be opened, others have an identity by now. */
function spoolOf(
  files: Readonly<Record<string, FaultClass | Partial<FileIdentity>>>,
  replaced: readonly string[] = [],
) {
  const cleared: string[] = [];
  let closed = 0;
  const spool: SweptSpool = {
    async *journals<T>() {
      for (const name of Object.keys(files)) {
        const upload: JournaledUpload = { bucket: 'b', key: name, uploadId: `id-${name}`, partSizeBytes: 5 };
        yield { path: SpoolPath.from(name), identity: IDENTITY, value: upload as T };
      }
    },
    journal: ({ path }) => ({
      load: async () => (replaced.includes(`${path}`) ? undefined : {}),
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
  return { spool, cleared, closedFiles: () => closed };
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
  const store = { abandon: async ({ uploadId }: JournaledUpload) => void abandoned.push(uploadId) };
  assert.equal(await sweepOrphans(spool, store, NEVER), 2);
  assert.deepEqual(abandoned, ['id-gone', 'id-rewritten']);
  assert.deepEqual(cleared, ['gone', 'rewritten']);
  assert.equal(closedFiles(), 3);
});

test('keeps the journal of an upload that could not be aborted', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed' });
  const away = new Fault('transient', 'refused', { operation: 'abort', subject: 'gone' });
  const store = { abandon: () => Promise.reject(away) };
  await assert.rejects(sweepOrphans(spool, store, NEVER), away);
  assert.deepEqual(cleared, []);
});

// Found by the simulation: the sweep waited for the store while the drain journaled the new content's upload.
test('leaves a record alone that was replaced while the store was asked', async () => {
  const { spool, cleared } = spoolOf({ gone: 'changed' }, ['gone']);
  assert.equal(await sweepOrphans(spool, { abandon: async () => undefined }, NEVER), 1);
  assert.deepEqual(cleared, []);
});

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from '../support/nothing-left.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

const LARGE_BYTES = 1 << 20;

test('a file that is closed while it is read stays open until the read has ended', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const file = await spool.openFile(await disk.put('f', Buffer.alloc(LARGE_BYTES, 'f')));
  const system = fs.read;
  let go: () => void = () => undefined;
  t.mock.method(fs, 'read', (...args: Parameters<typeof system>) => {
    go = () => system(...args);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const content = file.read(0, LARGE_BYTES);
  await file.close();
  // Without the hold, this file gets the descriptor of the one that is being read.
  const other = await spool.openFile(await disk.put('other', Buffer.alloc(LARGE_BYTES, 'o')));
  go();
  assert.ok((await content).equals(Buffer.alloc(LARGE_BYTES, 'f')));
  await other.close();
  await assert.rejects(file.read(0, 1), { name: 'Fault' });
  assert.throws(() => file.currentIdentity(), { name: 'Fault' });
  await file.close();
});

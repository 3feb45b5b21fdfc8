// Journals on the real file system: bound to the content they were written for, and never half there.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from '../support/nothing-left.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

interface Value {
  readonly uploadId: string;
}

async function journaled(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put(Buffer.from([0x66, 0xff]), 'content');
  const spool = await disk.open(t);
  const reopen = async () => {
    const file = await spool.openFile(path);
    t.after(() => file.close());
    return spool.journal<Value>(file);
  };
  return { disk, path, spool, reopen, journal: await reopen() };
}

test('gives back what was saved for the same content', async (t) => {
  const { disk, path, journal, reopen } = await journaled(t);
  assert.equal(await journal.load(), undefined);
  await journal.save({ uploadId: 'one' });
  await journal.save({ uploadId: 'two' });
  await chmod(disk.at(path.bytes), 0o600);
  const later = await reopen();
  assert.deepEqual(await later.load(), { uploadId: 'two' });
  assert.equal(await later.loadStale(), undefined);
});

test('is known to be empty once the folder was read and while no file has a record', async (t) => {
  const { spool, path, journal } = await journaled(t);
  assert.equal(journal.isEmpty, false, 'not known yet');
  await journal.load();
  assert.equal(journal.isEmpty, true);
  await journal.save({ uploadId: 'one' });
  const file = await spool.openFile(path);
  t.after(() => file.close());
  assert.equal(spool.journal(file).isEmpty, false);
  await journal.clear();
  assert.equal(spool.journal(file).isEmpty, true);
});

test('gives what was saved for another content only as stale', async (t) => {
  const { disk, path, journal, reopen } = await journaled(t);
  await journal.save({ uploadId: 'old' });
  await writeFile(disk.at(path.bytes), 'another content');
  const later = await reopen();
  assert.equal(await later.load(), undefined);
  assert.deepEqual(await later.loadStale(), { uploadId: 'old' });
});

test('gives back what was saved before the disk got another number, as at a start of the machine', async (t) => {
  const { disk, journal, reopen } = await journaled(t);
  await journal.save({ uploadId: 'one' });
  const folder = disk.at('.halfpipe/multipart').toString();
  const [name = ''] = await readdir(folder);
  const record = JSON.parse(await readFile(join(folder, name), 'utf8'));
  const moved = { ...record, identity: { ...record.identity, dev: `${BigInt(record.identity.dev) + 1n}` } };
  await writeFile(join(folder, name), JSON.stringify(moved));
  assert.deepEqual(await (await reopen()).load(), { uploadId: 'one' });
});

test('forgets what was cleared, and clears twice without complaint', async (t) => {
  const { disk, journal } = await journaled(t);
  await journal.save({ uploadId: 'one' });
  await journal.clear();
  await journal.clear();
  assert.equal(await journal.load(), undefined);
  assert.deepEqual(await disk.kept(), []);
});

for (const damage of [
  '',
  '{',
  'null',
  '{}',
  '[]',
  '{"path":"Zg==","identity":{"dev":"x"},"value":1}',
  '\u0000',
]) {
  test(`takes a journal damaged to ${JSON.stringify(damage)} for absent`, async (t) => {
    const { disk, journal, spool } = await journaled(t);
    await journal.save({ uploadId: 'one' });
    const folder = join(disk.path, '.halfpipe/multipart');
    const [name = ''] = await readdir(folder);
    await writeFile(join(folder, name), damage);
    assert.equal(await journal.load(), undefined);
    assert.equal(await journal.loadStale(), undefined);
    for await (const record of spool.journals()) assert.fail(String(record.path));
  });
}

test('lists the journals of all files, with their paths', async (t) => {
  const { path, spool, journal } = await journaled(t);
  await journal.save({ uploadId: 'one' });
  const records = [];
  for await (const record of spool.journals<Value>()) records.push(record);
  assert.deepEqual(
    records.map((record) => [record.path.bytes, record.value]),
    [[path.bytes, { uploadId: 'one' }]],
  );
});

// Regression: a cron job that removes empty folders made every save fail with ENOENT, which was taken for a spool file
// that is gone: large files were found and forgotten again without a word.
for (const folder of ['tmp', 'multipart']) {
  test(`saves, reads and lists though .halfpipe/${folder} was removed as an empty folder`, async (t) => {
    const { disk, journal, spool } = await journaled(t);
    await rmdir(join(disk.path, '.halfpipe', folder));
    assert.equal(await journal.load(), undefined);
    for await (const record of spool.journals()) assert.fail(String(record.path));
    await rmdir(join(disk.path, '.halfpipe', folder)).catch(() => undefined);
    await journal.save({ uploadId: 'one' });
    assert.deepEqual(await journal.load(), { uploadId: 'one' });
  });
}

test('a journal that cannot be written says nothing of the file: it is not the one that is gone', async (t) => {
  const { disk, journal } = await journaled(t);
  assert.equal(await journal.load(), undefined);
  await rm(join(disk.path, '.halfpipe'), { recursive: true });
  await assert.rejects(journal.save({ uploadId: 'one' }), { faultClass: 'blocked', code: 'ENOENT' });
});

test('writes nothing any more once the spool was closed', async (t) => {
  const { spool, journal } = await journaled(t);
  await spool.close();
  await assert.rejects(journal.save({ uploadId: 'one' }), { faultClass: 'changed', code: 'closed' });
});

test('a folder of journals that could not be read is read again', async (t) => {
  const { disk, journal } = await journaled(t);
  const folder = join(disk.path, '.halfpipe/multipart');
  await rmdir(folder);
  await writeFile(folder, 'in its place');
  await assert.rejects(journal.load(), { faultClass: 'blocked', code: 'ENOTDIR' });
  await rm(folder);
  await mkdir(folder);
  assert.equal(await journal.load(), undefined);
  await journal.save({ uploadId: 'one' });
  assert.deepEqual(await journal.load(), { uploadId: 'one' });
});

test('a journal that was cleared is not looked for on the disk any more', async (t) => {
  const { disk, journal } = await journaled(t);
  await journal.save({ uploadId: 'one' });
  const folder = join(disk.path, '.halfpipe/multipart');
  const [name = ''] = await readdir(folder);
  const record = await readFile(join(folder, name));
  await journal.clear();
  await writeFile(join(folder, name), record);
  assert.equal(await journal.load(), undefined);
});

test('room that a full disk has used up is kept again once a journal has been cleared', async (t) => {
  const { disk, journal } = await journaled(t);
  const spares = join(disk.path, '.halfpipe/spare');
  const before = await readdir(spares);
  await journal.save({ uploadId: 'one' });
  await rm(join(spares, before[0] ?? ''));
  await journal.clear();
  assert.deepEqual(await readdir(spares), before);
});

// A file that is deposited has its name only when it is whole and on the disk, replaces nothing unasked, and leaves
// nothing behind when it is given up. On the real file system.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { mkdir, readFile, rename, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Deposit } from '../../src/spool/deposit.ts';
import type { DepositMode } from '../../src/spool/deposit-place.ts';
import { Deposits } from '../../src/spool/deposits.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { errnoOf } from '../../src/system/fault.ts';
import { beforeEachNow, refusing, refusingSync, systemError } from '../support/failing-disk.ts';
import { test } from '../support/nothing-left.ts';
import { RecordedDisk } from '../support/recorded-disk.ts';
import { proofFor } from '../support/removal-proof.ts';
import { giveUp, TemporarySpool } from '../support/temporary-spool.ts';

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest();
const NEVER = new AbortController().signal;
const contentOf = (text: string) => ({ sha256: sha256(text), sizeBytes: Buffer.byteLength(text) });

async function prepare(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const deposits = await Deposits.open(disk.path, { syncsAtOnce: 2 });
  const begun: Deposit[] = [];
  t.after(async () => {
    await Promise.all(begun.map((deposit) => deposit.discard()));
    await deposits.close();
  });
  const received = async (text: string) => {
    const deposit = await deposits.begin();
    begun.push(deposit);
    await deposit.write(Buffer.from(text)).catch(async (error: unknown) => {
      await deposit.discard();
      throw error;
    });
    return deposit;
  };
  /** The outcome, or the code of the Fault. */
  const put = async (name: string, text: string, mode: DepositMode = 'new') => {
    let deposit: Deposit | undefined;
    try {
      deposit = await received(text);
      return await deposit.publish(SpoolPath.from(name), contentOf(text), mode);
    } catch (error) {
      return errnoOf(error);
    } finally {
      await deposit?.discard();
    }
  };
  const content = (name: string) => readFile(disk.at(name), 'utf8');
  return { disk, spool, deposits, received, put, content };
}

test('a file has its name only after publish(), and then all of its content', async (t) => {
  const { disk, deposits, content } = await prepare(t);
  const deposit = await deposits.begin();
  for (const piece of ['one ', 'two ', 'three']) await deposit.write(Buffer.from(piece));
  assert.deepEqual(await disk.list(), []);
  assert.equal(await deposit.publish(SpoolPath.from('f'), contentOf('one two three'), 'new'), 'created');
  assert.equal(await content('f'), 'one two three');
  assert.deepEqual(await disk.kept(), []);
  assert.equal((await stat(disk.at('f'))).mode & 0o777, 0o600);
  await deposit.discard();
  assert.equal(await content('f'), 'one two three', 'discard() is free to be called');
});

test('a file of no bytes is a file', async (t) => {
  const { put, content } = await prepare(t);
  assert.equal(await put('empty', ''), 'created');
  assert.equal(await content('empty'), '');
  assert.equal(await put('empty', ''), 'same');
});

test('another file of the name is never replaced, and the same file is recognised', async (t) => {
  const { disk, put, content } = await prepare(t);
  assert.equal(await put('f', 'first'), 'created');
  const before = await stat(disk.at('f'));
  assert.equal(await put('f', 'first'), 'same');
  assert.equal(await put('f', 'other'), 'taken');
  assert.equal(await put('f', 'longer than the first'), 'taken');
  assert.equal(await content('f'), 'first');
  const after = await stat(disk.at('f'));
  assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
  assert.deepEqual(await disk.kept(), []);
});

test('a name that a folder or a link has is taken, also for a replacement', async (t) => {
  const { disk, put } = await prepare(t);
  await mkdir(disk.at('folder'));
  await writeFile(join(disk.base, 'outside'), 'outside');
  await symlink(join(disk.base, 'outside'), disk.at('link'));
  await symlink('nowhere', disk.at('dangling'));
  for (const mode of ['new', 'replace'] as const)
    for (const name of ['folder', 'link', 'dangling'])
      assert.equal(await put(name, 'outside', mode), 'taken', `${name} ${mode}`);
  assert.equal(await readFile(join(disk.base, 'outside'), 'utf8'), 'outside');
  assert.ok(fs.lstatSync(disk.at('link')).isSymbolicLink());
  assert.deepEqual(await disk.kept(), []);
});

test('replaces another file when it is asked to, and then alone', async (t) => {
  const { put, content } = await prepare(t);
  assert.equal(await put('f', 'first', 'replace'), 'created');
  assert.equal(await put('f', 'first', 'replace'), 'same');
  assert.equal(await put('f', 'second', 'replace'), 'replaced');
  assert.equal(await content('f'), 'second');
});

test('a replacement that comes while the drain has the file open is not removed with it', async (t) => {
  const { disk, spool, put, content } = await prepare(t);
  await put('f', 'old');
  const file = await spool.openFile(SpoolPath.from('f'));
  assert.equal(await put('f', 'new', 'replace'), 'replaced');
  await assert.rejects(spool.setAside(file), { faultClass: 'changed' });
  await file.close();
  assert.equal(await content('f'), 'new');
  assert.deepEqual(await disk.kept(), []);
});

test('a file that comes while the drain removes the one of its name stays', async (t) => {
  const { disk, spool, put, content } = await prepare(t);
  await put('f', 'old');
  const file = await spool.openFile(SpoolPath.from('f'));
  const aside = await spool.setAside(file);
  assert.equal(await put('f', 'new'), 'created');
  await aside.remove(proofFor(file), giveUp);
  await file.close();
  assert.equal(await content('f'), 'new');
  assert.deepEqual(await disk.kept(), []);
});

test('several files of one name at once: one has it, and the others learn of it', async (t) => {
  const { disk, put } = await prepare(t);
  const texts = Array.from({ length: 16 }, (_, at) => `content ${at % 4}`);
  const outcomes = await Promise.all(texts.map((text) => put('camera/f', text)));
  const [winner] = texts.filter((_, at) => outcomes[at] === 'created');
  assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1);
  assert.equal(await readFile(disk.at('camera/f'), 'utf8'), winner);
  for (const [at, text] of texts.entries())
    if (outcomes[at] !== 'created') assert.equal(outcomes[at], text === winner ? 'same' : 'taken');
  assert.deepEqual(await disk.kept(), []);
});

test('missing folders are made as their parent is', async (t) => {
  const { disk, put, content } = await prepare(t);
  await mkdir(disk.at('camera'));
  fs.chmodSync(disk.at('camera'), 0o3770);
  assert.equal(await put('camera/today/noon/f', 'x'), 'created');
  assert.equal(await content('camera/today/noon/f'), 'x');
  for (const folder of ['camera/today', 'camera/today/noon'])
    assert.equal(fs.statSync(disk.at(folder)).mode & 0o7777, 0o3770, folder);
});

// Regression: systemd's RestrictSUIDSGID= refuses each call that names the setgid bit, also for a folder.
test('in a sandbox that refuses setgid, a new folder has the mode of its parent all the same', async (t) => {
  const { disk, put } = await prepare(t);
  fs.chmodSync(disk.path, 0o3770);
  await refusing(t, 'chmod', 'EPERM');
  const before = process.umask(0o007);
  const outcome = await put('camera/today/f', 'x');
  process.umask(before);
  assert.equal(outcome, 'created');
  for (const folder of ['camera', 'camera/today'])
    assert.equal(fs.statSync(disk.at(folder)).mode & 0o7777, 0o3770, folder);
});

test('a new folder is open to its owner, whatever its parent is to its own', async (t) => {
  const { disk, put } = await prepare(t);
  await mkdir(disk.at('camera'));
  fs.chmodSync(disk.at('camera'), 0o1070);
  assert.equal(await put('camera/today/f', 'x'), 'created');
  assert.equal(fs.statSync(disk.at('camera/today')).mode & 0o7777, 0o1770);
});

test('a folder that is removed at any moment is made again', async (t) => {
  const { disk, put, content } = await prepare(t);
  let removals = 0;
  beforeEachNow(t, 'linkSync', () => {
    removals += 1;
    if (removals <= 3) fs.rmdirSync(disk.at('camera'));
  });
  assert.equal(await put('camera/f', 'x'), 'created');
  assert.equal(await content('camera/f'), 'x');
  assert.equal(removals, 4);
});

test('a folder that is removed again and again is no reason to go on for ever', async (t) => {
  const { disk, put } = await prepare(t);
  beforeEachNow(t, 'linkSync', () => fs.rmdirSync(disk.at('camera')));
  assert.equal(await put('camera/f', 'x'), undefined);
  assert.deepEqual([await disk.list(), await disk.kept()], [[], []]);
});

test('no path leads out of the spool, through a link or a file, or into the private folder', async (t) => {
  const { disk, put } = await prepare(t);
  const outside = join(disk.base, 'outside');
  await mkdir(outside);
  await symlink(outside, disk.at('link'));
  await disk.put('file', 'x');
  await mkdir(disk.at('camera'));
  await symlink(outside, disk.at('camera/link'));
  for (const path of ['link/f', 'camera/link/f', 'file/f', 'camera/link/deeper/f', '.halfpipe/aside/f'])
    assert.equal(await put(path, 'x'), 'not-a-folder', path);
  for (const path of ['../f', 'camera/../../f', '', '/f', 'camera//f', './f', '.'])
    assert.notEqual(await put(path, 'x'), 'created', path);
  assert.deepEqual(fs.readdirSync(outside), []);
  assert.deepEqual(fs.readdirSync(disk.base).sort(), ['outside', 'spool']);
  assert.deepEqual(await disk.kept(), []);
});

for (const code of ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])
  test(`where files cannot be linked (${code}), nothing is replaced either`, async (t) => {
    const { disk, put, content } = await prepare(t);
    beforeEachNow(t, 'linkSync', () => {
      throw systemError(code);
    });
    assert.equal(await put('camera/f', 'first'), 'created');
    assert.equal(await put('camera/f', 'first'), 'same');
    assert.equal(await put('camera/f', 'other'), 'taken');
    assert.equal(await put('camera/f', 'other', 'replace'), 'replaced');
    assert.equal(await content('camera/f'), 'other');
    assert.deepEqual(await disk.kept(), []);
  });

test('the claim that a crash left of an earlier attempt gives way', async (t) => {
  const { disk, put, content } = await prepare(t);
  await writeFile(disk.at('f'), '', { mode: 0 });
  assert.equal(await put('f', 'x'), 'created');
  assert.equal(await content('f'), 'x');
});

// Regression: the upload was renamed over the claim, and then over the file that the drain had put back.
test('a claim of the drain, which is about to put a file back, is left to the drain', async (t) => {
  const { disk, put } = await prepare(t);
  await disk.put('.halfpipe/pid', '1');
  await writeFile(disk.at('f'), '', { mode: 0 });
  assert.equal(await put('f', 'x'), undefined);
  assert.equal((await stat(disk.at('f'))).size, 0);
  assert.deepEqual(await disk.kept(), ['pid']);
});

test('only one thread at a time removes a stale claim', async (t) => {
  const { disk, put } = await prepare(t);
  await writeFile(disk.at('f'), '', { mode: 0 });
  await disk.put('.halfpipe/tmp/claim', '');
  assert.equal(await put('f', 'x'), undefined);
  assert.equal((await stat(disk.at('f'))).size, 0);
});

for (const [call, when] of [
  ['openSync', 'it begins'],
  ['writeSync', 'it is received'],
  ['linkSync', 'it gets its name'],
] as const)
  test(`a full disk when ${when}: the file is refused with ENOSPC, and nothing stays`, async (t) => {
    const { disk, put } = await prepare(t);
    beforeEachNow(t, call, () => {
      throw systemError('ENOSPC');
    });
    const outcome = await put('camera/f', 'x');
    assert.equal(outcome, 'ENOSPC');
    assert.deepEqual(await disk.kept(), []);
    assert.deepEqual(
      (await disk.list()).filter((name) => name.endsWith('f')),
      [],
    );
  });

test('a disk that takes only a part of a write gets the rest', async (t) => {
  const { deposits, content } = await prepare(t);
  const { writeSync } = fs;
  t.mock.method(fs, 'writeSync', (fd: number, bytes: Buffer, at: number, length: number, offset: number) =>
    writeSync(fd, bytes, at, Math.ceil(length / 2), offset),
  );
  fs.accessSync('/');
  const deposit = await deposits.begin();
  await deposit.write(Buffer.from('all of the content'));
  await deposit.publish(SpoolPath.from('f'), contentOf('all of the content'), 'new');
  assert.equal(await content('f'), 'all of the content');
});

test('after `taken`, the same content may get another name', async (t) => {
  const { disk, received, content } = await prepare(t);
  await disk.put('a', 'other');
  const deposit = await received('x');
  assert.equal(await deposit.publish(SpoolPath.from('a'), contentOf('x'), 'new'), 'taken');
  assert.equal(await deposit.publish(SpoolPath.from('b'), contentOf('x'), 'new'), 'created');
  assert.deepEqual([await content('a'), await content('b')], ['other', 'x']);
});

test('what is given up leaves nothing, at whatever moment and however often', async (t) => {
  const { disk, deposits, received } = await prepare(t);
  await (await deposits.begin()).discard();
  const half = await received('half of ');
  await Promise.all([half.discard(), half.discard()]);
  const publishing = await received('x');
  const outcome = publishing.publish(SpoolPath.from('f'), contentOf('x'), 'new');
  await publishing.discard();
  assert.equal(await outcome, 'created');
  assert.deepEqual([await disk.list(), await disk.kept()], [['f'], []]);
});

test('what an earlier thread left half-received is removed, and nothing else', async (t) => {
  const { disk, received, deposits } = await prepare(t);
  await received('half of ');
  await disk.put('.halfpipe/tmp/of-the-drain', 'x');
  await disk.put('deposit-f', 'a file of a producer');
  const next = await Deposits.open(disk.path, { syncsAtOnce: 1 });
  assert.deepEqual(await disk.kept(), ['tmp/of-the-drain']);
  assert.deepEqual(await disk.list(), ['deposit-f']);
  await next.close();
  assert.equal((await deposits.freeSpace()).bytes > 0, true);
});

test('content that was removed while it was received is not acknowledged', async (t) => {
  const { disk, spool, received } = await prepare(t);
  const deposit = await received('x');
  await spool.clearTemporaries();
  await assert.rejects(deposit.publish(SpoolPath.from('camera/f'), contentOf('x'), 'new'), {
    faultClass: 'transient',
    code: 'ENOENT',
  });
  assert.deepEqual(
    (await disk.list()).filter((name) => name.endsWith('f')),
    [],
  );
});

test('a file that is received while the drain returns to the spool is not lost', async (t) => {
  const { disk, spool, received, content } = await prepare(t);
  const deposit = await received('x');
  await disk.put('.halfpipe/tmp/of-the-drain', 'x');
  await spool.reattach((there) => there.clearTemporaries());
  assert.equal(await deposit.publish(SpoolPath.from('f'), contentOf('x'), 'new'), 'created');
  assert.deepEqual([await content('f'), await disk.kept()], ['x', []]);
});

test('a folder that a cleanup job removed from the private folder is made again', async (t) => {
  const { disk, put } = await prepare(t);
  await rmdir(disk.at('.halfpipe/tmp'));
  assert.equal(await put('f', 'x'), 'created');
});

test('finds what waits under a name, with its digest, and nothing else', async (t) => {
  const { disk, deposits, put } = await prepare(t);
  const large = 'large '.repeat(400_000);
  await put('camera/f', large);
  await symlink('camera/f', disk.at('link'));
  const found = await deposits.find(SpoolPath.from('camera/f'), NEVER);
  assert.deepEqual(found, { sizeBytes: large.length, sha256: sha256(large) });
  for (const name of ['camera', 'link', 'missing', 'missing/f', 'camera/f/f', 'link/f'])
    assert.equal(await deposits.find(SpoolPath.from(name), NEVER), undefined, name);
});

test('a question is given up between two pieces of a large file', async (t) => {
  const { disk, deposits } = await prepare(t);
  await writeFile(disk.at('large'), '');
  fs.truncateSync(disk.at('large'), 256 * 1024 ** 2);
  const asked = new AbortController();
  const found = deposits.find(SpoolPath.from('large'), asked.signal);
  asked.abort();
  await assert.rejects(found, /aborted/);
});

test('a spool that is not there, or that no drain has opened, is not made', async (t) => {
  const disk = await TemporarySpool.create(t);
  await assert.rejects(Deposits.open(disk.path, { syncsAtOnce: 1 }), { code: 'spool-gone' });
  assert.deepEqual(fs.readdirSync(disk.path), []);
  await rmdir(disk.path);
  await assert.rejects(Deposits.open(disk.path, { syncsAtOnce: 1 }), { code: 'spool-gone' });
  assert.deepEqual(fs.readdirSync(disk.base), []);
});

test('a private folder that others may enter, or a link to one, is not used', async (t) => {
  const { disk, deposits } = await prepare(t);
  fs.chmodSync(disk.at('.halfpipe'), 0o750);
  await assert.rejects(Deposits.open(disk.path, { syncsAtOnce: 1 }), { faultClass: 'breaker' });
  fs.chmodSync(disk.at('.halfpipe'), 0o700);
  await rename(disk.at('.halfpipe'), join(disk.base, 'moved'));
  await symlink(join(disk.base, 'moved'), disk.at('.halfpipe'));
  await assert.rejects(Deposits.open(disk.path, { syncsAtOnce: 1 }), { faultClass: 'changed' });
  await assert.rejects(deposits.begin(), { faultClass: 'changed' });
});

test('says that the spool is gone, and goes on in the folder that is there when the drain has opened it', async (t) => {
  const { disk, spool, deposits, received, put, content } = await prepare(t);
  const half = await received('half');
  await rename(disk.path, join(disk.base, 'away'));
  await assert.rejects(deposits.begin(), { code: 'spool-gone' });
  await assert.rejects(deposits.freeSpace(), { code: 'spool-gone' });
  await mkdir(disk.path);
  await assert.rejects(deposits.begin(), { code: 'spool-gone' });
  assert.deepEqual(fs.readdirSync(disk.path), []);
  await spool.reattach();
  assert.equal(await put('f', 'x'), 'created');
  assert.equal(await content('f'), 'x');
  await assert.rejects(half.publish(SpoolPath.from('half'), contentOf('half'), 'new'), {
    code: 'spool-gone',
  });
  await half.discard();
  assert.deepEqual(fs.readdirSync(join(disk.base, 'away/.halfpipe/tmp')), []);
  assert.deepEqual(await disk.list(), ['f']);
});

test('a spool that is replaced while a file gets its name there is not acknowledged', async (t) => {
  const { disk, received } = await prepare(t);
  const deposit = await received('x');
  beforeEachNow(t, 'linkSync', () => {
    fs.renameSync(disk.path, join(disk.base, 'away'));
    fs.mkdirSync(disk.path);
  });
  await assert.rejects(deposit.publish(SpoolPath.from('f'), contentOf('x'), 'new'), { code: 'spool-gone' });
});

test('a spool that was deleted with everything in it leaves nothing open', async (t) => {
  const { disk, received } = await prepare(t);
  const deposit = await received('x');
  await rm(disk.path, { recursive: true });
  await assert.rejects(deposit.publish(SpoolPath.from('camera/f'), contentOf('x'), 'new'), {
    code: 'spool-gone',
  });
  await deposit.discard();
});

test('a private folder that was made anew is used', async (t) => {
  const { disk, put } = await prepare(t);
  await rm(disk.at('.halfpipe'), { recursive: true });
  assert.equal(await put('f', 'x'), 'spool-gone');
  const other = await SpoolDirectory.open(disk.path);
  t.after(() => other.close());
  assert.equal(await put('f', 'x'), 'created');
});

test('nothing begins after the end, and the end waits for what is being published', async (t) => {
  const { disk, deposits, received } = await prepare(t);
  const deposit = await received('x');
  const outcome = deposit.publish(SpoolPath.from('f'), contentOf('x'), 'new');
  const closed = deposits.close();
  await assert.rejects(deposits.begin(), { code: 'closed' });
  assert.equal(await outcome, 'created');
  await closed;
  assert.deepEqual(await disk.list(), ['f']);
});

for (const [what, before] of [
  ['created', undefined],
  ['same', 'uploaded'],
  ['replaced', 'old'],
] as const)
  test(`once publish() says ${what}, a power cut takes nothing`, async (t) => {
    const { disk, deposits } = await prepare(t);
    const name = 'camera/today/f';
    const recorded = await RecordedDisk.watch(t);
    if (before !== undefined) {
      await disk.put(name, before);
      if (what === 'same') recorded.producerWrote(disk.at(name));
      for (const made of [name, 'camera/today', 'camera']) recorded.crashLeft(disk.at(made));
    }
    const deposit = await deposits.begin();
    await deposit.write(Buffer.from('uploaded'));
    assert.equal(await deposit.publish(SpoolPath.from(name), contentOf('uploaded'), 'replace'), what);
    assert.deepEqual(recorded.undurable, []);
    assert.deepEqual(
      recorded.mistakes.filter((mistake) => mistake.includes('content')),
      [],
    );
  });

test('content that the disk cannot write gets no name, also when it is tried again', async (t) => {
  const { disk, received } = await prepare(t);
  const deposit = await received('x');
  let syncs = 0;
  t.mock.method(fs, 'fsync', (_: number, done: (error: Error | null) => void) => {
    syncs += 1;
    setImmediate(done, syncs === 1 ? systemError('EIO') : null);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const publish = () => deposit.publish(SpoolPath.from('f'), contentOf('x'), 'new');
  await assert.rejects(publish(), { code: 'EIO' });
  // The kernel reports it only once.
  await assert.rejects(publish(), { code: 'EIO' });
  await deposit.discard();
  assert.deepEqual([await disk.list(), await disk.kept()], [[], []]);
});

test('a name that the disk cannot write down is not acknowledged, and is when it is sent again', async (t) => {
  const { disk, received, put } = await prepare(t);
  for (const nth of [1, 2, 3]) {
    const deposit = await received('x');
    const end = await refusingSync(t, nth);
    await assert.rejects(deposit.publish(SpoolPath.from(`a${nth}/b/f`), contentOf('x'), 'new'), {
      code: 'EIO',
    });
    end();
    await deposit.discard();
    assert.match(`${await put(`a${nth}/b/f`, 'x')}`, nth === 3 ? /^same$/ : /^created$/);
  }
  assert.deepEqual(await disk.kept(), []);
});

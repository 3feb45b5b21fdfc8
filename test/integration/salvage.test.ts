// The copy that a descriptor's content gets when the file's name is gone: whole, or not there at all.
import assert from 'node:assert/strict';
import { chmod, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { OpenDirectory } from '../../src/spool/open-directory.ts';
import { salvage } from '../../src/spool/salvage.ts';
import type { Fault } from '../../src/system/fault.ts';
import { giveUp, TemporarySpool } from '../support/temporary-spool.ts';

/** More than is read at once, and no multiple of it. */
const CONTENT = Buffer.from(Array.from({ length: 2_500_000 }, (_, at) => at % 251));
const SLOT = 'kept/copy';

type Handle = Awaited<ReturnType<typeof open>>;
type Write = (bytes: Buffer, from: number, length: number, at: number) => ReturnType<Handle['write']>;

/** A file that has no name any more, and where it is copied to. */
async function prepare(t: TestContext) {
  const spool = await TemporarySpool.create(t);
  const path = await spool.put('file', CONTENT);
  await chmod(spool.at('file'), 0o604);
  const directory = await spool.open(t);
  const file = await directory.openFile(path);
  t.after(() => file.close());
  const writer = await open(spool.at('file'), 'r+');
  t.after(() => writer.close());
  await unlink(spool.at('file'));
  const folder = `${spool.base}/home`;
  for (const below of ['tmp', 'kept']) await mkdir(`${folder}/${below}`, { recursive: true });
  const home = await OpenDirectory.open(folder);
  t.after(() => home.close());
  return { file, writer, home, folder };
}

/** From now on every write of a file does what `write` does with the system's. */
function onWrite(
  t: TestContext,
  handle: Handle,
  write: (write: Write, ...args: Parameters<Write>) => ReturnType<Write>,
) {
  const prototype: { write: Write } = Object.getPrototypeOf(handle);
  const system = prototype.write;
  t.mock.method(prototype, 'write', function (this: Handle, ...args: Parameters<Write>) {
    return write(system.bind(this), ...args);
  });
}

test('a copy has the whole content and its permissions, and nothing else stays', async (t) => {
  const { file, home, folder } = await prepare(t);
  await salvage(file, home, Buffer.from(SLOT), giveUp);
  assert.ok(CONTENT.equals(await readFile(`${folder}/${SLOT}`)));
  assert.equal((await stat(`${folder}/${SLOT}`)).mode & 0o777, 0o604);
  assert.deepEqual(await readdir(`${folder}/tmp`), []);
});

// Regression: what a nearly full disk did not take of the last piece became zeros, and the copy was taken for whole.
test('a copy has the whole content when the disk takes a part of each piece', async (t) => {
  const { file, writer, home, folder } = await prepare(t);
  onWrite(t, writer, (write, bytes, from, length, at) => write(bytes, from, Math.min(length, 300_000), at));
  await salvage(file, home, Buffer.from(SLOT), giveUp);
  assert.ok(CONTENT.equals(await readFile(`${folder}/${SLOT}`)));
});

test('no copy is there, and none is left behind, when the disk has no room for the rest of a piece', async (t) => {
  const { file, writer, home, folder } = await prepare(t);
  let roomBytes = CONTENT.length - 1;
  onWrite(t, writer, async (write, bytes, from, length, at) => {
    if (roomBytes === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const taken = Math.min(length, roomBytes);
    roomBytes -= taken;
    return write(bytes, from, taken, at);
  });
  const faults: Fault[] = [];
  await assert.rejects(
    salvage(file, home, Buffer.from(SLOT), async (fault) => {
      faults.push(fault);
      throw fault;
    }),
  );
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['ENOSPC'],
  );
  assert.deepEqual([await readdir(`${folder}/tmp`), await readdir(`${folder}/kept`)], [[], []]);
});

test('when there is room again, the copy is made anew, and is whole', async (t) => {
  const { file, writer, home, folder } = await prepare(t);
  let isFull = true;
  onWrite(t, writer, async (write, ...args) => {
    if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    return write(...args);
  });
  await salvage(file, home, Buffer.from(SLOT), async () => {
    isFull = false;
  });
  assert.ok(CONTENT.equals(await readFile(`${folder}/${SLOT}`)));
});

test('what is cut off the file while it is copied is no part of the copy', async (t) => {
  const { file, writer, home, folder } = await prepare(t);
  let writes = 0;
  onWrite(t, writer, async (write, ...args) => {
    writes += 1;
    const done = await write(...args);
    // The first round has copied all of it.
    if (writes === 3) await writer.truncate(1_000);
    return done;
  });
  await salvage(file, home, Buffer.from(SLOT), giveUp);
  assert.ok(CONTENT.subarray(0, 1_000).equals(await readFile(`${folder}/${SLOT}`)));
});

test('a writer that never pauses does not hold up the copy for ever', async (t) => {
  const { file, home, folder } = await prepare(t);
  const identity = file.currentIdentity.bind(file);
  let looks = 0n;
  file.currentIdentity = async () => {
    looks += 1n;
    assert.ok(looks < 20n, 'it is copied again and again');
    return { ...(await identity()), mtimeNs: looks };
  };
  await salvage(file, home, Buffer.from(SLOT), giveUp);
  assert.ok(CONTENT.equals(await readFile(`${folder}/${SLOT}`)));
});

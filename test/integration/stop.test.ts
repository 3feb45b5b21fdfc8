// However the daemon ends, nothing is lost and nothing is half deleted; the next start finishes the rest, each file once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DaemonFixture, SLOW } from '../support/daemon-fixture.ts';
import { bytesOf } from '../support/store-fixture.ts';

const FILES = 80;
const SIZE_BYTES = 8_000;
const MIB = 1024 ** 2;
const contentOf = (file: number) => bytesOf(SIZE_BYTES, file + 1);
const nameOf = (file: number) => `f${String(file).padStart(3, '0')}`;

/** A daemon in the middle of its backlog: some files are in the bucket, most are not. */
async function midway(fixture: DaemonFixture) {
  for (let file = 0; file < FILES; file += 1) await fixture.put(nameOf(file), contentOf(file));
  // so slow that a test that is slow itself still comes in the middle
  await fixture.configure({ link: { capacity: '1 Mbit/s', floor: '50 %' } });
  const daemon = fixture.start();
  await fixture.until('a few files are in the bucket', () => fixture.keys().length >= 5);
  return daemon;
}

/** Each file is whole in the spool or whole in the bucket, or, for a moment of a crash, in both. */
async function checkNothingLost(fixture: DaemonFixture, settledIn: readonly string[]) {
  const keys = new Set(fixture.keys());
  for (let file = 0; file < FILES; file += 1) {
    const name = nameOf(file);
    if (keys.has(name)) assert.deepEqual(await fixture.object(name), contentOf(file), name);
    else if (settledIn.includes(name))
      assert.deepEqual(await readFile(fixture.at(name)), contentOf(file), name);
    else assert.fail(`${name} is neither in the spool nor in the bucket`);
  }
}

async function finish(fixture: DaemonFixture) {
  await fixture.configure({});
  const next = fixture.start();
  await fixture.untilDrained();
  assert.equal(await next.stop(), 0);
  assert.deepEqual(
    fixture.keys(),
    Array.from({ length: FILES }, (_, file) => nameOf(file)),
  );
  await checkNothingLost(fixture, []);
  assert.deepEqual(await fixture.kept(), []);
}

describe('halfpipe run', { concurrency: 4 }, () => {
  for (const sent of ['', 'GET /status HTTP/1.1\r\nHost: x\r\n']) {
    // The HTTP server listens nowhere itself, so its closeAllConnections() knew of none; the stop waited for them.
    test(`SIGTERM does not wait for somebody who has asked ${sent === '' ? 'nothing' : 'half a question'}`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      const daemon = fixture.start();
      await daemon.says('ready');
      const connection = connect(join(fixture.spool, '.halfpipe', 'control.sock'));
      t.after(() => connection.destroy());
      await once(connection, 'connect');
      connection.write(sent);
      const json = fixture.command(['status', '--json', '--config', fixture.configFile]);
      assert.equal(await json.exit, 0, 'the other one has been accepted by now');
      daemon.signal('SIGTERM');
      await daemon.says('stopped');
      assert.equal(await daemon.exit, 0);
    });
  }

  test('SIGTERM in the middle: exit 0, nothing lost, and the next start finishes, each file once', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = await midway(fixture);
    assert.equal(await daemon.stop(), 0);
    const left = await fixture.spooled();
    assert.ok(left.length > 0, 'it was stopped in the middle');
    for (const key of fixture.keys()) assert.ok(!left.includes(key), `${key} finished before the end`);
    await checkNothingLost(fixture, left);
    assert.deepEqual(await fixture.kept(), []);
    await finish(fixture);
    for (const key of fixture.keys()) assert.equal(fixture.timesStored(key), 1, key);
  });

  test('SIGINT stops as SIGTERM does', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    daemon.signal('SIGINT');
    assert.equal(await daemon.exit, 0);
  });

  test('a second signal ends it at once, and nothing is lost', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = await midway(fixture);
    daemon.signal('SIGTERM');
    await daemon.says('stopping');
    daemon.signal('SIGTERM');
    assert.equal(await daemon.exit, 1);
    assert.deepEqual(daemon.of('stopped'), []);
    await finish(fixture);
  });

  test('a crash in the middle loses nothing, and leaves nothing behind after the next start', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = await midway(fixture);
    daemon.signal('SIGKILL');
    assert.equal(await daemon.exit, 'SIGKILL');
    await finish(fixture);
  });

  test('a large upload is aborted by a stop at once, and resumes with the parts that stand', async (t) => {
    const content = bytesOf(22 * MIB + 7);
    const partSize = { s3: { partSize: '5 MiB' } };
    const fixture = await DaemonFixture.create(t, {
      ...partSize,
      link: { capacity: '80 Mbit/s', floor: '50 %' },
    });
    await fixture.put('large', content);
    const daemon = fixture.start();
    const parts = () => fixture.served.filter(({ url }) => url.includes('partNumber=')).map(({ url }) => url);
    await fixture.until('a part is there', () => parts().length >= 1);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(await fixture.spooled(), ['large']);
    assert.deepEqual(fixture.keys(), []);
    await fixture.configure(partSize);
    const next = fixture.start();
    await fixture.untilDrained();
    assert.deepEqual(await fixture.object('large'), content);
    assert.equal(new Set(parts()).size, parts().length, 'no part was sent twice');
    assert.equal(await next.stop(), 0);
    assert.deepEqual(await fixture.kept(), []);
  });

  test('a stop gives up small uploads when its time is over', async (t) => {
    const fixture = await DaemonFixture.create(t, { ...SLOW, upload: { stopTimeout: '300 ms' } });
    await fixture.put('takes long', bytesOf(2 * MIB));
    const daemon = fixture.start();
    await fixture.untilBegun(/PUT .*takes/);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(await fixture.spooled(), ['takes long']);
    assert.deepEqual(fixture.keys(), []);
    assert.deepEqual(daemon.of('deferred'), []);
  });
});

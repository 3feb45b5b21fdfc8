// Small files in packets: the real daemon, real files, real requests. What is in a packet is judged by another reader of
// zips, and what reached the bucket from the server's side.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Config, DaemonFixture, SLOW } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { bytesOf } from '../support/store-fixture.ts';
import type { Asked, Quirks } from '../support/store-quirks.ts';

const PACKETS = { enabled: true, maxDelay: '1 s' };

async function fixtureWith(t: TestContext, packets: object = {}, config: Config = {}, quirks: Quirks = {}) {
  return DaemonFixture.create(t, { ...config, packets: { ...PACKETS, ...packets } }, quirks);
}

/** Names and contents of all members of the packets in the bucket. */
async function membersOf(fixture: DaemonFixture, keys = fixture.keys()): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  for (const key of keys.filter((name) => name.endsWith('.zip'))) {
    const file = join(fixture.base, 'read.zip');
    await writeFile(file, await fixture.object(key));
    const script =
      'import json,sys,zipfile,base64; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps([(n,base64.b64encode(z.read(n)).decode()) for n in z.namelist()]))';
    const read = execFileSync('python3', ['-c', script, file], { maxBuffer: 2 ** 28, encoding: 'utf8' });
    for (const [name, content] of JSON.parse(read)) {
      assert.ok(!members.has(name), `${name} is in two packets`);
      members.set(name, Buffer.from(content, 'base64'));
    }
  }
  return members;
}

async function putFiles(
  fixture: DaemonFixture,
  count: number,
  sizeBytes: number,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (let file = 0; file < count; file += 1) files.set(`${file}`, bytesOf(sizeBytes, file));
  for (const [name, content] of files) await fixture.put(name, content);
  return files;
}

/** Each file is in one packet, with its content. */
async function assertStored(fixture: DaemonFixture, files: ReadonlyMap<string, Buffer>): Promise<void> {
  const members = await membersOf(fixture);
  // A file that was left alone is an object of its own.
  for (const [name, content] of files)
    assert.deepEqual(members.get(name) ?? (await fixture.object(name)), content, name);
}

function untilForgotten(fixture: DaemonFixture): Promise<void> {
  return fixture.until('nothing is left of the packets', async () => (await fixture.kept()).length === 0);
}

describe('packets', { concurrency: 3 }, () => {
  test('small files are stored in one object that holds them all, and leave the spool', async (t) => {
    const fixture = await fixtureWith(t);
    const files = new Map<string, Buffer>();
    for (let file = 0; file < 300; file += 1)
      files.set(`cam ${file % 3}/${file} ü.bin`, bytesOf(1_000 + file, file));
    files.set('empty', Buffer.alloc(0));
    files.set('text.log', Buffer.alloc(50_000, 'a line of a log\n'));
    for (const [name, content] of files) await fixture.put(name, content);
    const daemon = fixture.start();
    await fixture.untilDrained(['cam 0', 'cam 1', 'cam 2']);
    assert.equal(fixture.keys().length, 1, fixture.keys().join());
    const members = await membersOf(fixture);
    assert.deepEqual([...members.keys()].sort(), [...files.keys()].sort());
    for (const [name, content] of files) assert.deepEqual(members.get(name), content, name);
    await untilForgotten(fixture);
    assert.equal(await daemon.stop(), 0);
  });

  test('a crash while a packet is being sent loses nothing, and it is sent under the same key', async (t) => {
    const fixture = await fixtureWith(t, {}, SLOW);
    const files = await putFiles(fixture, 60, 10_000);
    const before = fixture.start();
    await fixture.untilBegun(/^PUT .*packets/);
    before.kill();
    await before.exit;
    assert.equal((await fixture.spooled()).length, files.size);
    const begun = new Set(fixture.begun.filter((request) => /^PUT .*packets/.test(request)));
    const daemon = fixture.start();
    await fixture.untilDrained();
    await untilForgotten(fixture);
    await assertStored(fixture, files);
    for (const request of fixture.begun.filter((text) => /^PUT .*packets/.test(text))) begun.add(request);
    assert.equal(begun.size, 1, [...begun].join());
    assert.equal(await daemon.stop(), 0);
  });

  test('a crash after a packet is stored: it is found in the bucket, not sent again, and its files are removed', async (t) => {
    const fixture = await fixtureWith(t);
    const files = await putFiles(fixture, 400, 1_000);
    const before = fixture.start();
    await fixture.until('the packet is stored', () =>
      fixture.keys().some((key) => key.startsWith('packets/')),
    );
    before.kill();
    await before.exit;
    assert.ok(
      (await fixture.kept()).some((name) => name.startsWith('packets/')),
      'it was not killed in time',
    );
    const daemon = fixture.start();
    await fixture.untilDrained();
    await untilForgotten(fixture);
    await assertStored(fixture, files);
    for (const key of fixture.keys()) assert.equal(fixture.timesStored(key), 1, key);
    assert.equal(await daemon.stop(), 0);
  });

  test('what a crash left of a packet that was not complete is removed', async (t) => {
    const fixture = await fixtureWith(t);
    const folder = join(fixture.spool, '.halfpipe', 'packets');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(join(fixture.spool, '.halfpipe'), 0o700);
    await writeFile(join(folder, 'a-0.zip'), 'half a packet');
    await writeFile(join(folder, 'b-0.json'), '{"version":1,"id":"b-0","members":[');
    await writeFile(join(folder, 'b-0.zip'), 'a packet with a damaged plan');
    const files = await putFiles(fixture, 5, 100);
    const daemon = fixture.start();
    await fixture.untilDrained();
    await untilForgotten(fixture);
    await assertStored(fixture, files);
    assert.ok(daemon.of('packetDropped').length > 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('a file that changes while its packet is sent stays, and its new content is stored as well', async (t) => {
    const fixture = await fixtureWith(t, {}, SLOW);
    const files = await putFiles(fixture, 60, 10_000);
    const daemon = fixture.start();
    await fixture.untilBegun(/^PUT .*packets/);
    await fixture.put('7', 'other content');
    await fixture.untilDrained();
    await untilForgotten(fixture);
    await assertStored(fixture, files);
    assert.equal((await fixture.object('7')).toString(), 'other content');
    assert.equal(await daemon.stop(), 0);
  });

  test('a packet that the store refuses is split until the file that is to blame is alone', async (t) => {
    const refusing = {
      ask: ({ operation, headers }: Asked) => {
        if (operation === 'PutObject' && Number(headers['content-length']) > 90_000)
          throw new S3Error(400, 'InvalidObjectName', 'no object of that kind');
      },
    };
    const fixture = await fixtureWith(t, { compress: 'never' }, {}, refusing);
    const files = await putFiles(fixture, 20, 1_000);
    await fixture.put('poison', bytesOf(100_000, 1));
    const daemon = fixture.start();
    await fixture.untilDrained();
    await assertStored(fixture, files);
    const quarantined = daemon.of('quarantined');
    assert.deepEqual(
      quarantined.map(({ file }) => file),
      ['poison'],
    );
    assert.ok(daemon.of('packetSplit').length > 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('where no packet can be written, files are sent by themselves', async (t) => {
    const fixture = await fixtureWith(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const folder = join(fixture.spool, '.halfpipe', 'packets');
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder');
    const files = await putFiles(fixture, 10, 100);
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys().toSorted(), [...files.keys()].toSorted());
    assert.equal(daemon.of('packingRests').length, 1);
    const { problems } = await fixture.snapshot();
    assert.deepEqual(
      problems.map(({ kind, severity }) => [kind, severity]),
      [['packing', 'notice']],
    );
    assert.equal(await daemon.stop(), 0);
  });

  test('after a reload with another prefix, packets that wait are made anew', async (t) => {
    const slowly: Config = { ...SLOW, upload: { concurrency: 1 } };
    const config: Config = { ...slowly, s3: { prefix: 'old/' } };
    const fixture = await fixtureWith(t, { maxFileSize: '20 KiB', size: '100 KiB' }, config);
    const files = await putFiles(fixture, 60, 10_000);
    const daemon = fixture.start();
    await fixture.untilBegun(/^PUT .*packets/);
    await fixture.until('another packet waits', async () => (await fixture.kept()).length >= 4);
    await fixture.configure({
      ...{
        ...slowly,
        s3: { prefix: 'new/' },
        packets: { ...PACKETS, maxFileSize: '20 KiB', size: '100 KiB' },
      },
    });
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    await fixture.untilDrained();
    await untilForgotten(fixture);
    await assertStored(fixture, files);
    assert.ok(
      fixture.keys().some((key) => key.startsWith('new/')),
      fixture.keys().join(),
    );
    assert.ok(daemon.of('packetDropped').length > 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('a stop gives files back that wait for company', async (t) => {
    const fixture = await fixtureWith(t, { maxDelay: '1 h' });
    const files = await putFiles(fixture, 10, 100);
    const daemon = fixture.start();
    await daemon.says('ready');
    await fixture.until(
      'they are taken',
      async () => (await fixture.snapshot()).backlog.files === files.size,
    );
    assert.equal(await daemon.stop(), 0);
    assert.equal((await fixture.spooled()).length, files.size);
    assert.deepEqual(await fixture.kept(), []);
  });
});

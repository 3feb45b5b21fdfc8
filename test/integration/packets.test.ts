// Small files in packets: the real daemon, real files, real requests. What is in a packet is judged by another reader of
// zips, and what reached the bucket from the server's side.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Config, DaemonFixture } from '../support/daemon-fixture.ts';
import { bytesOf } from '../support/store-fixture.ts';

const PACKETS = { enabled: true, maxDelay: '1 s' };

async function fixtureWith(t: TestContext, packets: object = {}, config: Config = {}) {
  return DaemonFixture.create(t, { ...config, packets: { ...PACKETS, ...packets } });
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
    await fixture.until('nothing of the packet is left', async () => (await fixture.kept()).length === 0);
    assert.equal(await daemon.stop(), 0);
  });
});

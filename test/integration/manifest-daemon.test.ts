// The real daemon with a manifest: every line is true, and a manifest that cannot be written stops it in words.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { type ManifestLine, parseLine } from '../../src/manifest/manifest-line.ts';
import { compositeSha256, digestOf } from '../../src/store/digest.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';

const MIB = 1024 * 1024;

async function linesOf(path: string): Promise<ManifestLine[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => parseLine(line) ?? assert.fail(`no line: ${line}`));
}

test('every removed file has its line, with the size and the digest of the object', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const path = join(fixture.base, 'state', 'manifest.jsonl');
  await fixture.configure({ manifest: { path }, s3: { prefix: 'p/', partSize: '5 MiB' } });
  for (let at = 0; at < 40; at += 1) await fixture.put(`camera/${at}.jpg`, `image ${at}`.repeat(at));
  await fixture.put('large.bin', Buffer.alloc(12 * MIB, 'large'));
  const daemon = fixture.start();
  await fixture.untilDrained(['camera']);
  await daemon.stop();
  const lines = await linesOf(path);
  assert.equal(lines.length, 41);
  for (const { key, path: file, bytes, bucket, sha256, sha256OfParts, partBytes = MIB } of lines) {
    assert.deepEqual([key, bucket], [`p/${file}`, 'inbox']);
    const object = await fixture.object(key);
    assert.equal(bytes, object.length);
    if (sha256 !== undefined) assert.equal(sha256, createHash('sha256').update(object).digest('hex'));
    const parts = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, at) =>
      digestOf(object.subarray(at * partBytes, (at + 1) * partBytes)),
    );
    if (sha256 === undefined) assert.equal(sha256OfParts, compositeSha256(await Promise.all(parts)));
  }
});

test('a manifest that cannot be written pauses the drain with its remedy, and it goes on by itself', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const disk = join(fixture.base, 'disk');
  const path = join(disk, 'state', 'manifest.jsonl');
  await fixture.configure({ manifest: { path } });
  await fixture.put('a', 'the bytes');
  const daemon = fixture.start();
  const { msg = '' } = await daemon.says('paused');
  assert.match(msg, new RegExp(`draining is paused: the manifest ${path} cannot be written: ENOENT`));
  assert.match(msg, /No file is removed without its line\. .*mount its disk/);
  assert.deepEqual([await fixture.spooled(), fixture.keys()], [['a'], []]);
  assert.match((await fixture.snapshot()).waitingFor ?? '', /the manifest .* cannot be written/);
  await mkdir(disk);
  await daemon.says('resumed');
  await fixture.untilDrained();
  assert.deepEqual(
    (await linesOf(path)).map(({ key }) => key),
    ['a'],
  );
});

test('a reload switches the manifest on and off, and one that cannot be written is refused', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const path = join(fixture.base, 'manifest.jsonl');
  const daemon = fixture.start();
  await daemon.says('ready');
  const reload = async (manifest: Record<string, unknown>, answer: string) => {
    const before = daemon.of(answer).length;
    await fixture.configure({ manifest });
    daemon.signal('SIGHUP');
    await fixture.until(answer, () => daemon.of(answer).length > before);
  };
  const drain = async (name: string) => {
    await fixture.put(name, name);
    await daemon.says('uploaded', ({ file }) => file === name);
  };
  await drain('before');
  await reload({ path }, 'reloaded');
  await drain('on');
  await reload({ path: join(fixture.base, 'no', 'such', 'm.jsonl') }, 'reloadRefused');
  await drain('still on');
  await reload({}, 'reloaded');
  await drain('off');
  assert.deepEqual(
    (await linesOf(path)).map(({ key }) => key),
    ['on', 'still on'],
  );
});

test('check says whether the manifest can be written, also beside the running daemon', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const path = join(fixture.base, 'manifest.jsonl');
  const check = async () => {
    const command = fixture.command(['check', '--config', fixture.configFile]);
    await command.exit;
    return /^(\S+) +manifest +(.*)$/m.exec(command.stdout)?.slice(1) ?? [];
  };
  await fixture.configure({ manifest: { path } });
  assert.deepEqual(await check(), ['ok', `${path}: lines can be written and synced`]);
  const daemon = fixture.start();
  await daemon.says('ready');
  assert.deepEqual(await check(), ['ok', `${path}: the running halfpipe writes it`]);
  await daemon.stop();
  await fixture.configure({ manifest: { path: join(fixture.base, 'no', 'such', 'm.jsonl') } });
  const [verdict, text = ''] = await check();
  assert.equal(verdict, 'FAIL');
  assert.match(text, /cannot be written: ENOENT.*mount its disk/);
});

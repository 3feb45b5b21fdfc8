// What is shipped is the compiled daemon, and every other test runs the sources: once, the compiled one does the job.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Build, BuiltDaemon } from '../support/built-daemon.ts';
import { startS3Server } from '../support/s3-server.ts';
import { bytesOf } from '../support/store-fixture.ts';
import { BUGS as KILL_BUGS } from '../system/kill/bugs.ts';
import { BUGS as POWER_BUGS } from '../system/power/bugs.ts';

const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
const MIB = 1024 ** 2;

// TypeScript 7.0.2 once made `MultipartUpload: …` into `_a: …`, and no large file could be completed.
test('the compiled daemon sends a small file and one in parts, and stops when told to', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'halfpipe-built-'));
  const build = new Build();
  const server = await startS3Server({ ...KEYS, directory: join(base, 's3'), port: 0, buckets: ['inbox'] });
  t.after(async () => {
    await server.close();
    build.remove();
    await rm(base, { recursive: true, force: true });
  });
  build.make();
  const path = join(base, 'spool');
  await mkdir(path);
  const contents = { small: bytesOf(1_000), large: bytesOf(11 * MIB + 7) };
  for (const [name, content] of Object.entries(contents)) await writeFile(join(path, name), content);
  const config = join(base, 'halfpipe.json');
  const s3 = { bucket: 'inbox', endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true };
  const settings = {
    spool: { path, settle: '0 s' },
    link: { interface: 'lo', capacity: '10 Gbit/s', floor: '50 %' },
    s3: { ...s3, partSize: '5 MiB' },
    log: { format: 'json' },
  };
  await writeFile(config, JSON.stringify(settings));
  const daemon = new BuiltDaemon(build.main, ['run', '--config', config], KEYS);
  t.after(() => daemon.end());
  await daemon.says('uploaded', (record) => record.file === 'small');
  await daemon.says('uploaded', (record) => record.file === 'large');
  assert.equal((await daemon.stop()).exit, 0);
  const bucket = server.bucket('inbox') ?? assert.fail();
  for (const [name, content] of Object.entries(contents))
    assert.deepEqual(await readFile(bucket.fileOf(name)), content);
  assert.deepEqual(daemon.strays, []);
});

test('every bug that kills and power cuts are to find can be put into the compiled daemon', (t) => {
  const build = new Build();
  t.after(() => build.remove());
  const ofKills = Object.values(KILL_BUGS).flatMap(({ patches }) => patches);
  const patches = [...ofKills, ...Object.values(POWER_BUGS).flat()];
  build.make(patches);
  // It is still JavaScript, too.
  for (const file of new Set(patches.map(({ file }) => file)))
    execFileSync(process.execPath, ['--check', join(dirname(build.main), file)]);
});

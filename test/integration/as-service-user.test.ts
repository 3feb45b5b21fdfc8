import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DaemonFixture, KEYS } from '../support/daemon-fixture.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' };
const OWNER = 65_534;

// Node.js 20 refused to change its user where libuv might use io_uring (CVE-2024-22017).
for (const ioUring of ['0', '1'])
  test(
    `root works as the spool's owner, and then as root again, UV_USE_IO_URING=${ioUring}`,
    NEEDS_ROOT,
    async (t) => {
      const spool = await TemporarySpool.create(t);
      chownSync(spool.path, OWNER, OWNER);
      // In a process of its own: its other threads keep their user.
      const script = `
      import { asServiceUser } from './src/commands/as-service-user.ts';
      const ids = () => [process.geteuid(), process.getegid(), ...process.getgroups()];
      const inside = await asServiceUser(process.argv[1], {}, async () => ids());
      console.log(JSON.stringify({ inside, after: ids() }));`;
      const args = ['--import', 'tsx', '--input-type=module', '--eval', script, spool.path];
      const env = { ...process.env, UV_USE_IO_URING: ioUring };
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
      assert.equal(stderr, '');
      assert.deepEqual(JSON.parse(stdout), { inside: [OWNER, OWNER, OWNER], after: [0, 0, 0] });
    },
  );

test(
  'where Node.js cannot change its user, the command runs as the service with a copy of its key',
  NEEDS_ROOT,
  async (t) => {
    const fixture = await DaemonFixture.create(t);
    chmodSync(fixture.base, 0o755);
    chownSync(fixture.spool, OWNER, OWNER);
    const [key, copies] = [join(fixture.base, 'aws-credentials'), join(fixture.base, 'copies')];
    const { accessKeyId, secretAccessKey } = KEYS;
    const text = `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
    writeFileSync(key, text, { mode: 0o600 });
    mkdirSync(copies);
    chmodSync(copies, 0o1777);
    const env = {
      ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SHARED_CREDENTIALS_FILE: key },
      NODE_OPTIONS: `--import=${new URL('../support/bound-to-root.mjs', import.meta.url).href}`,
      TMPDIR: copies,
      // The service's user may not write where the coverage goes.
      NODE_V8_COVERAGE: '',
    };
    const check = fixture.command(['check', '--config', fixture.configFile], env);
    assert.equal(await check.exit, 0, check.stdout + check.stderr);
    assert.match(check.stdout, /^ok {3}spool .*\nok {3}link /m);
    assert.match(check.stdout, /^ok {3}store {3}bucket inbox: an object was put whole and one in parts/m);
    assert.equal(statSync(join(fixture.spool, '.halfpipe')).uid, OWNER);
    assert.deepEqual(readdirSync(copies), [], 'no copy of the key is left');

    const drop = fixture.command(['quarantine', 'drop', 'no-such', '--config', fixture.configFile], env);
    assert.equal(await drop.exit, 1);
    assert.match(drop.stderr, /^halfpipe: nothing in quarantine has the id "no-such"\n$/);
  },
);

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { test } from 'node:test';
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

// Which mounts lie inside the spool, as proc_pid_mountinfo(5) tells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountPoints } from '../../src/backlog/mounts-below.ts';

const INFO = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /var/spool/in/nas rw shared:1 - nfs4 server:/x rw
31 22 0:41 / /var/spool/in/a\\040b/c\\134d rw - fuse x rw
32 30 0:42 / /var/spool/in/nas/deeper rw - tmpfs tmpfs rw
33 22 0:43 / /var/spool/inner rw - tmpfs tmpfs rw
34 99 0:44 / /var/spool/in/hidden rw - tmpfs tmpfs rw
35 22 0:45 / /mnt rw - tmpfs tmpfs rw
`;

test('finds what is mounted below the folder, with names as the kernel has them', () => {
  assert.deepEqual([...mountPoints(INFO, '/var/spool/in', '22')], ['nas', 'a b/c\\d']);
});

test('leaves out what lies below another mount, seen or hidden', () => {
  const points = mountPoints(INFO, '/var/spool/in', '22');
  assert.equal(points.has('nas/deeper') || points.has('hidden'), false);
});

test('finds nothing when it does not know which mount the folder is on', () => {
  assert.equal(mountPoints(INFO, '/var/spool/in', undefined).size, 0);
});

// Which folders may be a spool, by their name.
import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { test } from 'node:test';
import { schema } from '../../src/config/schema.ts';
import { holds, isOfTheSystem } from '../../src/config/spool-place.ts';

for (const [what, paths, refused] of [
  [
    'folders of the system, with all that is below',
    [
      '/etc',
      '/etc/cron.d',
      '/usr/share/x',
      '/boot/efi',
      '/proc/1/fd',
      '/sys/x',
      '/dev',
      '/var/lib/dpkg/info',
    ],
    true,
  ],
  [
    'folders that many share',
    ['/', '/home', '/root', '/var', '/var/lib', '/var/log', '/var/spool', '/run', '/tmp', '/dev/shm', '/opt'],
    true,
  ],
  [
    'folders below those that many share',
    [
      '/home/scanner/in',
      '/var/spool/halfpipe',
      '/var/log/camera',
      '/run/in',
      '/tmp/x',
      '/dev/shm/spool',
      '/root/in',
      '/opt/in',
    ],
    false,
  ],
  ['disks', ['/srv', '/srv/in', '/mnt', '/mnt/disk', '/media/usb', '/data', '/etcetera', '/usrs'], false],
] as const) {
  test(`a spool may ${refused ? 'never' : 'well'} be one of the ${what}`, () => {
    for (const path of paths) assert.equal(isOfTheSystem(path), refused, path);
  });
}

test('a folder holds itself and what is below, and no neighbour', () => {
  assert.deepEqual(
    ['/a', '/a/b', '/a/..b', '/ab', '/', '/b'].map((path) => holds('/a', path)),
    [true, true, true, false, false, false],
  );
});

test('accepts no part that a Buffer cannot hold', () => {
  const { accepts } = schema.s3.partSize;
  assert.ok(accepts('4 GiB') <= constants.MAX_LENGTH);
  assert.throws(() => accepts('5 GiB'), /must be from 5 MiB to 4 GiB/);
});

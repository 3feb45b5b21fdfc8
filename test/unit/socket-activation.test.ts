// Which descriptor is the socket that systemd has opened for files over HTTP.
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { handedSocket, socketAt } from '../../src/service/socket-activation.ts';

for (const [what, env, expected] of [
  ['one socket', { LISTEN_PID: '7', LISTEN_FDS: '1' }, 3],
  ['one socket of any name', { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'other' }, 3],
  ['the first of several', { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:c' }, 3],
  ['the one named ingest', { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:ingest' }, 5],
  ['no descriptor beyond their number', { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a:ingest' }, 3],
  ['none', {}, undefined],
  ['none of zero', { LISTEN_PID: '7', LISTEN_FDS: '0' }, undefined],
  ['none of another process', { LISTEN_PID: '8', LISTEN_FDS: '1' }, undefined],
  ['none without a process', { LISTEN_FDS: '1' }, undefined],
  ['none of what is no number', { LISTEN_PID: '7', LISTEN_FDS: '-1' }, undefined],
  ['none of a number with more behind it', { LISTEN_PID: '7', LISTEN_FDS: '1x' }, undefined],
] as const)
  test(`of the sockets that systemd hands over it takes ${what}`, () => {
    assert.equal(handedSocket(env, 7), expected);
  });

test('what has a descriptor is known by its inode; nothing has one that is not open', () => {
  const fd = openSync('/', 'r');
  assert.deepEqual(socketAt(fd), { fd, inode: fstatSync(fd).ino });
  closeSync(fd);
  assert.equal(socketAt(1_000_000), undefined);
});

// How an operator says where to listen: a port alone never means the network.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filePath } from '../../src/config/formats.ts';
import { hostNames, listenAt } from '../../src/config/listen-format.ts';

const LOOPBACK = ['127.0.0.1', '::1'];

for (const [value, addresses, port] of [
  [9464, LOOPBACK, 9464],
  ['9464', LOOPBACK, 9464],
  ['localhost:9464', LOOPBACK, 9464],
  ['127.0.0.1:1', ['127.0.0.1'], 1],
  ['0.0.0.0:65535', ['0.0.0.0'], 65_535],
  ['[::]:9464', ['::'], 9464],
  [' [2001:db8::7]:9464 ', ['2001:db8::7'], 9464],
  ['[fe80::1%eth0]:9464', ['fe80::1%eth0'], 9464],
] as const)
  test(`observe.listen ${value} means ${addresses.join(' and ')}`, () => {
    assert.deepEqual(listenAt(value), { addresses, port });
  });

for (const value of [
  ...[0, 65_536, -1, 94.5, true, null, [], '', 'on', ':9464', '*:9464', '[]:9464', '9464/tcp'],
  ...[
    '::1:9464',
    '[::1]',
    '[127.0.0.1]:9464',
    '127.0.0.1',
    '1.2.3:9464',
    'camera-7:9464',
    'http://[::1]:9464',
  ],
])
  test(`observe.listen ${JSON.stringify(value)} is refused with what to write`, () => {
    assert.throws(() => listenAt(value), /^RangeError: must be a port, such as 9464, for this machine alone/);
  });

test('observe.hosts are names and addresses without a port', () => {
  assert.deepEqual(hostNames(['camera-7', '192.0.2.7', '2001:db8::7']), [
    'camera-7',
    '192.0.2.7',
    '2001:db8::7',
  ]);
  assert.deepEqual(hostNames('camera-7, b.example.com'), ['camera-7', 'b.example.com']);
  assert.deepEqual(hostNames([]), []);
  for (const wrong of [['camera-7:9464'], ['http://camera-7'], [7], 'a b', null, ['*']])
    assert.throws(() => hostNames(wrong), /must be a list of host names without a port/);
});

test('observe.tokenFile is an absolute path', () => {
  const accepts = filePath('/etc/halfpipe/observe-token');
  assert.equal(accepts('/etc/halfpipe//observe-token'), '/etc/halfpipe/observe-token');
  for (const wrong of ['observe-token', '', 7, '/a\0b']) assert.throws(() => accepts(wrong), /absolute path/);
});

// How an operator says where to listen: a port alone never means the network.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filePath } from '../../src/config/formats.ts';
import { backlogLimit, tlsFiles } from '../../src/config/ingest-formats.ts';
import { hostNames, ingestListen, listenAt } from '../../src/config/listen-format.ts';

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

for (const [value, expected] of [
  [8080, { kind: 'tcp', addresses: LOOPBACK, port: 8080 }],
  ['192.0.2.7:8443', { kind: 'tcp', addresses: ['192.0.2.7'], port: 8443 }],
  ['/run/halfpipe/../halfpipe/in.sock', { kind: 'unix', path: '/run/halfpipe/in.sock' }],
  ['systemd', { kind: 'systemd' }],
] as const)
  test(`ingest.listen ${value} is ${expected.kind}`, () => {
    assert.deepEqual(ingestListen(value), expected);
  });

for (const value of [null, '', 'Systemd', 'run/in.sock', '/run/halfpipe/', `/${'a'.repeat(107)}`, '/a\0b'])
  test(`ingest.listen ${JSON.stringify(value)?.slice(0, 30)} is refused`, () => {
    assert.throws(() => ingestListen(value), /^RangeError: must be a (port|path)/);
  });

test('ingest.backlogLimit has any of its parts, as a map or as a line', () => {
  const map = new Map<string, unknown>([
    ['files', 100_000],
    ['bytes', '50 GiB'],
    ['age', '12 h'],
  ]);
  const expected = { files: 100_000, bytes: 50 * 2 ** 30, ageMs: 12 * 3_600_000 };
  assert.deepEqual(backlogLimit(map), expected);
  assert.deepEqual(backlogLimit('files=100000, bytes=50 GiB, age=12 h'), expected);
  assert.deepEqual(backlogLimit('age=1 h'), { ageMs: 3_600_000 });
});

for (const [value, said] of [
  [new Map(), /must have files, bytes or age/],
  ['', /must be a map of files, bytes, age/],
  [5, /must be a map/],
  ['size=5', /must be a map/],
  ['files=0', /value of files must be a whole number from 1/],
  [new Map([['age', 'old']]), /value of age/],
] as const)
  test(`ingest.backlogLimit ${value instanceof Map ? JSON.stringify([...value]) : value} is refused`, () => {
    assert.throws(() => backlogLimit(value), said);
  });

test('ingest.tls names a certificate and a key', () => {
  const files = { certificate: '/etc/a.pem', key: '/etc/a.key' };
  assert.deepEqual(tlsFiles(new Map(Object.entries(files))), files);
  assert.deepEqual(tlsFiles('certificate=/etc/a.pem,key=/etc/a.key'), files);
  assert.throws(() => tlsFiles('certificate=/etc/a.pem'), /must name both/);
  assert.throws(
    () => tlsFiles('certificate=a.pem,key=/etc/a.key'),
    /value of certificate must be the absolute/,
  );
});

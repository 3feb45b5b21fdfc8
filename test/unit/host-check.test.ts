// Which Host headers are answered: this machine's own, and never a name that a web page chose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnHost } from '../../src/http/host-check.ts';

const NAMES = ['Camera-7.example.com', '203.0.113.9', '2001:db8::1'];

for (const [host, at, expected] of [
  ['127.0.0.1:9464', '127.0.0.1', true],
  ['127.0.0.1', '::ffff:127.0.0.1', true],
  ['localhost:9464', '127.0.0.1', true],
  ['LOCALHOST', '::1', true],
  ['localhost.:9464', '::1', true],
  ['[::1]:9464', '::1', true],
  ['[0:0:0:0:0:0:0:1]', '::1', true],
  ['192.0.2.7:9464', '192.0.2.7', true],
  ['192.0.2.7', '::ffff:192.0.2.7', true],
  ['[fe80::1]:9464', 'fe80::1%eth0', true],
  ['[2001:DB8:0::7]', '2001:db8::7', true],
  // The names of the operator.
  ['camera-7.example.com', '192.0.2.7', true],
  ['camera-7.EXAMPLE.com.:80', '127.0.0.1', true],
  ['203.0.113.9:9464', '10.0.0.2', true],
  ['[2001:db8:0::1]', '10.0.0.2', true],
  // Everything else.
  ['evil.example', '127.0.0.1', false],
  ['localhost.evil.example', '127.0.0.1', false],
  ['127.0.0.1.evil.example', '127.0.0.1', false],
  ['camera-7.example.com.evil.example', '127.0.0.1', false],
  ['xcamera-7.example.com', '127.0.0.1', false],
  ['localhost', '192.0.2.7', false],
  ['127.0.0.1', '192.0.2.7', false],
  ['192.0.2.8', '192.0.2.7', false],
  ['192.0.2.7', '127.0.0.1', false],
  ['0.0.0.0:9464', '127.0.0.1', false],
  ['', '127.0.0.1', false],
  [undefined, '127.0.0.1', false],
  ['localhost:9464, evil.example', '127.0.0.1', false],
  ['evil.example@localhost', '127.0.0.1', false],
  ['[::1', '::1', false],
  ['[evil]', '::1', false],
  ['localhost', undefined, false],
] as const)
  test(`Host: ${host} at ${at} is ${expected ? 'answered' : 'refused'}`, () => {
    assert.equal(isOwnHost(host, at, NAMES), expected);
  });

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../src/transport/http-request.ts';
import { wireHead } from '../../src/transport/wire-head.ts';

const HEAD: RequestHead = {
  method: 'PUT',
  protocol: 'https:',
  hostname: 's3.plant.test',
  port: undefined,
  path: '/inbox/a%20b',
  query: {},
  headers: { host: 's3.plant.test', 'x-amz-meta-a': 'b' },
};
const head = (change: Partial<RequestHead>, bodyBytes = 5) => wireHead({ ...HEAD, ...change }, bodyBytes);

test('the head of a request is text, header by header', () => {
  assert.deepEqual(head({ port: 9000 }), {
    ...{ method: 'PUT', protocol: 'https:', host: 's3.plant.test', port: 9000, target: '/inbox/a%20b' },
    fields: 'host: s3.plant.test\r\nx-amz-meta-a: b\r\ncontent-length: 5\r\n',
  });
});

test('a query is encoded as it was signed', () => {
  const query = { uploads: '', list: ['b', 'a'], prefix: "a/b c'(!)*", nothing: null };
  assert.equal(
    head({ query }).target,
    '/inbox/a%20b?list=b&list=a&nothing&prefix=a%2Fb%20c%27%28%21%29%2A&uploads=',
  );
});

test('an address of IPv6 has no brackets where it is connected to', () => {
  assert.equal(head({ hostname: '[::1]' }).host, '::1');
});

describe('the length of the body is announced once', () => {
  for (const [method, headers, bodyBytes, length] of [
    ['PUT', { 'Content-Length': '5' }, 5, 'Content-Length: 5\r\n'],
    ['PUT', {}, 5, 'content-length: 5\r\n'],
    ['PUT', {}, 0, 'content-length: 0\r\n'],
    ['POST', {}, 0, 'content-length: 0\r\n'],
    ['GET', {}, 0, ''],
    ['HEAD', {}, 0, ''],
    ['DELETE', {}, 0, ''],
  ] as const)
    test(`${method} of ${bodyBytes} bytes with ${Object.keys(headers)}`, () => {
      assert.equal(head({ method, headers }, bodyBytes).fields, length);
    });
});

describe('what would be another request is refused', () => {
  for (const [what, change, code] of [
    ['a line end in a value', { headers: { a: 'b\r\nc: d' } }, 'ERR_INVALID_CHAR'],
    ['a character that no byte is', { headers: { a: '€' } }, 'ERR_INVALID_CHAR'],
    ['a line end in a name', { headers: { 'a\r\nb': 'c' } }, 'ERR_INVALID_HTTP_TOKEN'],
    ['a name of no characters', { headers: { '': 'c' } }, 'ERR_INVALID_HTTP_TOKEN'],
    ['a space in the path', { path: '/a b' }, 'ERR_UNESCAPED_CHARACTERS'],
    ['a line end in the path', { path: '/a\r\nb' }, 'ERR_UNESCAPED_CHARACTERS'],
  ] as const)
    test(what, () => {
      assert.throws(() => head(change as Partial<RequestHead>), { name: 'TypeError', code });
    });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  proxyAddress,
  proxyFor,
  proxyLogin,
  proxyPasswords,
  readProxies,
  shownProxy,
  throughProxy,
} from '../../src/system/proxies.ts';

const STORE = { protocol: 'https:', host: 'inbox.s3.example.com', port: 443 };

describe('which proxy a request goes through', () => {
  for (const { env, target = STORE, url } of [
    { env: {}, url: undefined },
    { env: { HTTPS_PROXY: 'http://p:3128' }, url: 'http://p:3128' },
    { env: { https_proxy: 'http://p:3128' }, url: 'http://p:3128' },
    { env: { https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:1' }, url: 'http://small:1' },
    { env: { https_proxy: '', HTTPS_PROXY: 'http://large:1' }, url: 'http://large:1' },
    { env: { HTTPS_PROXY: 'p:3128' }, url: 'http://p:3128' },
    { env: { HTTP_PROXY: 'http://p:3128' }, url: undefined },
    { env: { ALL_PROXY: 'http://p:3128' }, url: 'http://p:3128' },
    { env: { all_proxy: 'http://p:1', HTTPS_PROXY: 'http://p:2' }, url: 'http://p:2' },
    { env: { HTTP_PROXY: 'http://p:3128' }, target: { ...STORE, protocol: 'http:' }, url: 'http://p:3128' },
    { env: { HTTPS_PROXY: 'http://p:3128' }, target: { ...STORE, protocol: 'http:' }, url: undefined },
  ])
    test(`${JSON.stringify(env)} for ${target.protocol}`, () => {
      assert.equal(proxyFor(readProxies(env), target)?.url, url);
    });

  for (const { none, host, port = 443, exempt } of [
    { none: '*', host: 'anything.at.all', exempt: true },
    { none: 'example.com', host: 's3.example.com', exempt: true },
    { none: '.example.com', host: 's3.example.com', exempt: true },
    { none: '*.example.com', host: 's3.example.com', exempt: true },
    { none: 'example.com', host: 'example.com', exempt: true },
    { none: 'EXAMPLE.com', host: 'S3.example.COM', exempt: true },
    { none: 'ample.com', host: 'example.com', exempt: false },
    { none: 'example.com', host: 'example.com.evil.net', exempt: false },
    { none: 'a.net, s3.lan b.net', host: 's3.lan', exempt: true },
    { none: 's3.lan:9000', host: 's3.lan', port: 9000, exempt: true },
    { none: 's3.lan:9000', host: 's3.lan', port: 443, exempt: false },
    { none: '10.0.0.0/8', host: '10.1.2.3', exempt: true },
    { none: '10.0.0.0/8', host: '11.1.2.3', exempt: false },
    { none: '10.1.2.3', host: '10.1.2.3', exempt: true },
    { none: '10.1.2.3:9000', host: '10.1.2.3', port: 9000, exempt: true },
    { none: 'fd00::/8', host: '[fd00::2]', exempt: true },
    { none: '[fd00::2]', host: 'fd00::2', exempt: true },
    { none: '2.3', host: '10.1.2.3', exempt: false },
    { none: '10.0.0.0/99', host: '10.1.2.3', exempt: false },
    { none: '', host: 's3.lan', exempt: false },
  ])
    test(`NO_PROXY=${none} ${exempt ? 'excepts' : 'does not except'} ${host}:${port}`, () => {
      const proxies = readProxies({ HTTPS_PROXY: 'http://p:3128', NO_PROXY: none });
      assert.equal(proxyFor(proxies, { protocol: 'https:', host, port }) === undefined, exempt);
    });
});

test('what is shown of a proxy holds no password', () => {
  const { https } = readProxies({ HTTPS_PROXY: 'http://me:s3cret@p.example.com:3128/' });
  assert.ok(https);
  assert.equal(shownProxy(https), 'http://p.example.com:3128');
  assert.equal(throughProxy(https), 'requests go through the proxy http://p.example.com:3128 (HTTPS_PROXY)');
});

const LOGINS = [
  { typed: 'http://me:s3cret-word@p:3128', login: 'me:s3cret-word', secrets: ['s3cret-word'] },
  { typed: 'me:s3cret-word@p:3128', login: 'me:s3cret-word', secrets: ['s3cret-word'] },
  { typed: 'http://me:a%40b%2Fc@p', login: 'me:a@b/c', secrets: ['a%40b%2Fc', 'a@b/c'] },
  { typed: 'http://me:s%C3%A4ge%21@p', login: 'me:säge!', secrets: ['s%C3%A4ge%21', 'säge!'] },
  // The daemon ended with `URIError: URI malformed`.
  {
    typed: 'http://me:100%sure%40all@p',
    login: 'me:100%sure@all',
    secrets: ['100%sure%40all', '100%sure@all'],
  },
  { typed: 'http://me:a%FFb@p', login: 'me:a%FFb', secrets: ['a%FFb'] },
  { typed: 'http://me:a@b:c@p', login: 'me:a@b:c', secrets: ['a@b:c'] },
  { typed: 'http://me@p', login: 'me:', secrets: [] },
  { typed: 'http://p:3128', login: undefined, secrets: [] },
];
for (const { typed, login, secrets } of LOGINS)
  test(`the proxy ${typed} is logged in to as ${login}`, () => {
    const { https } = readProxies({ HTTPS_PROXY: typed });
    assert.ok(https);
    assert.equal(proxyLogin(https), login);
    for (const variable of ['http_proxy', 'HTTPS_PROXY', 'all_proxy'])
      assert.deepEqual([...new Set(proxyPasswords({ [variable]: typed }))], secrets);
  });

test('the address of a proxy has a port in any case', () => {
  assert.deepEqual(proxyAddress({ url: 'http://p' }), { host: 'p', port: 80 });
  assert.deepEqual(proxyAddress({ url: 'https://[fd00::1]' }), { host: 'fd00::1', port: 443 });
});

describe('a proxy that no request can go through is refused by the name of its variable', () => {
  for (const [env, problem] of [
    [{ HTTPS_PROXY: 'socks5://p:1080' }, /^HTTPS_PROXY names a socks5 proxy/],
    [{ all_proxy: 'socks5://p:1080' }, /^all_proxy names a socks5 proxy/],
    [{ http_proxy: 'http://' }, /^http_proxy is not a URL/],
  ] as const)
    test(JSON.stringify(env), () => {
      assert.throws(
        () => readProxies(env),
        (error) => error instanceof RangeError && problem.test(error.message),
      );
    });
});

// The way out of a real daemon: through a forward proxy, to endpoints whose names resolve only there, and to certificates
// that AWS_CA_BUNDLE names.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { type Certificate, certificateFor } from '../support/certificate.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { ForwardProxy, type ForwardProxyOptions } from '../support/forward-proxy.ts';

const LOGIN = { user: 'camera', password: 'p/ss w@rd-nobody-may-see' };
const withLogin = (port: number, protocol = 'http') =>
  `${protocol}://${LOGIN.user}:${encodeURIComponent(LOGIN.password)}@127.0.0.1:${port}`;

/** TLS before the fixture's server. */
async function tlsFront(t: TestContext, { key, cert }: Certificate, port: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert }, (socket) => {
    sockets.add(socket);
    const upstream = connect(port, '127.0.0.1');
    upstream.pipe(socket).pipe(upstream);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

interface World {
  readonly fixture: DaemonFixture;
  readonly proxy: ForwardProxy;
  readonly certificate: Certificate;
}

/** A store that only the proxy can resolve. */
async function world(
  t: TestContext,
  scheme: 'http' | 'https',
  options: Omit<ForwardProxyOptions, 'upstreamPort'> & { proxyTls?: boolean } = {},
): Promise<World> {
  const fixture = await DaemonFixture.create(t);
  const certificate = certificateFor(t, ['s3.plant.test', '127.0.0.1']);
  const plainPort = Number(new URL(fixture.endpoint).port);
  const upstreamPort = scheme === 'http' ? plainPort : await tlsFront(t, certificate, plainPort);
  const { proxyTls, ...more } = options;
  const proxy = await ForwardProxy.start(t, { ...more, upstreamPort, ...(proxyTls && { tls: certificate }) });
  await fixture.configure({
    s3: { endpoint: `${scheme}://s3.plant.test`, forcePathStyle: true },
    upload: { connectTimeout: '2 s' },
  });
  return { fixture, proxy, certificate };
}

describe('through a proxy', { concurrency: 2 }, () => {
  test('files leave for a TLS endpoint by CONNECT, over connections that are kept', async (t) => {
    const { fixture, proxy, certificate } = await world(t, 'https');
    await fixture.configure({
      s3: { endpoint: 'https://s3.plant.test' },
      upload: { concurrency: 2 },
    });
    for (let file = 0; file < 20; file++) await fixture.put(`f${file}.jpg`, `content ${file}`);
    const run = fixture.start({
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: certificate.file,
    });
    await fixture.untilDrained();
    assert.equal(fixture.keys().length, 20);
    assert.ok(proxy.asked.length < 10, `${proxy.asked.length} tunnels for 20 files`);
    assert.ok(proxy.asked.every((asked) => asked === 'CONNECT s3.plant.test:443'));
    const told = await run.says('proxy');
    assert.equal(told.msg, `requests go through the proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY)`);
  });

  test('a plain endpoint is asked for by its whole URL', async (t) => {
    const { fixture, proxy } = await world(t, 'http');
    await fixture.put('a b+c.jpg', 'content');
    fixture.start({ http_proxy: `127.0.0.1:${proxy.port}` });
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['a b+c.jpg']);
    assert.ok(
      proxy.asked.every((asked) => / http:\/\/s3\.plant\.test\/inbox/.test(asked)),
      `${proxy.asked}`,
    );
  });

  for (const { scheme, proxyTls } of [
    { scheme: 'https', proxyTls: false },
    { scheme: 'https', proxyTls: true },
    { scheme: 'http', proxyTls: false },
    { scheme: 'http', proxyTls: true },
  ] as const)
    test(`the password of its URL opens ${proxyTls ? 'a TLS' : 'a'} proxy for ${scheme}, and is printed nowhere`, async (t) => {
      const login = `${LOGIN.user}:${LOGIN.password}`;
      const { fixture, proxy, certificate } = await world(t, scheme, { login, proxyTls });
      await fixture.configure({ s3: { endpoint: `${scheme}://s3.plant.test` }, log: { level: 'debug' } });
      await fixture.put('f.jpg', 'content');
      const env = {
        [scheme === 'http' ? 'HTTP_PROXY' : 'HTTPS_PROXY']: withLogin(
          proxy.port,
          proxyTls ? 'https' : 'http',
        ),
        NODE_EXTRA_CA_CERTS: certificate.file,
        DEBUG: '*',
      };
      const check = fixture.command(['check', '--config', fixture.configFile], env);
      assert.equal(await check.exit, 0, check.stdout);
      const run = fixture.start(env);
      await fixture.untilDrained();
      await run.stop();
      for (const printed of [run.stdout, run.stderr, check.stdout, check.stderr])
        for (const secret of [LOGIN.password, encodeURIComponent(LOGIN.password), btoa(login)])
          assert.ok(!printed.includes(secret), printed);
    });

  for (const scheme of ['https', 'http'] as const)
    test(`one that asks for a password pauses the drain of ${scheme}, and the line names the variable`, async (t) => {
      const { fixture, proxy, certificate } = await world(t, scheme, { login: 'some:body' });
      await fixture.put('f.jpg', 'content');
      const run = fixture.start({
        ALL_PROXY: `http://127.0.0.1:${proxy.port}`,
        NODE_EXTRA_CA_CERTS: certificate.file,
      });
      const { msg } = await run.says('paused');
      assert.match(`${msg}`, /of ALL_PROXY asks for a user and a password.*\/etc\/default\/halfpipe/);
    });

  for (const { what, refuse, says } of [
    { what: 'that refuses the endpoint', refuse: 403, says: /of HTTPS_PROXY refuses connections.*NO_PROXY/ },
    {
      what: 'that cannot reach the endpoint',
      refuse: 502,
      says: /cannot reach the endpoint \(HTTP 502\).*the way from it to the store does not/,
    },
  ])
    test(`one ${what} is told apart from the store`, async (t) => {
      const { fixture, proxy } = await world(t, 'https', { refuse });
      const run = fixture.start({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
      const { msg } = await run.says('paused');
      assert.match(`${msg}`, says);
    });

  test('one that is silent is given up, and its connections are closed', async (t) => {
    const { fixture, proxy } = await world(t, 'https', { silent: true });
    const run = fixture.start({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    const { msg } = await run.says('paused');
    assert.match(`${msg}`, /proxy|connect/);
    await fixture.until('it has been tried some more', () => proxy.asked.length >= 4);
    assert.ok(proxy.connections <= 2, `${proxy.connections} connections are open`);
  });

  for (const [what, url, says] of [
    [
      'whose name does not resolve',
      'http://no.such.proxy.invalid:3128',
      /of HTTPS_PROXY cannot be reached \(E/,
    ],
    ['that nothing listens at', 'http://127.0.0.1:1', /of HTTPS_PROXY cannot be reached \(ECONNREFUSED\)/],
  ] as const)
    test(`one ${what} is named, with where to correct it`, async (t) => {
      const fixture = await DaemonFixture.create(t, { s3: { endpoint: 'https://s3.plant.test' } });
      const run = fixture.start({ HTTPS_PROXY: url });
      const { msg } = await run.says('paused');
      assert.match(`${msg}`, says);
      assert.match(`${msg}`, /\/etc\/default\/halfpipe/);
    });

  test('a certificate for the endpoint alone, with the bucket before it, names s3.forcePathStyle', async (t) => {
    const { fixture, proxy, certificate } = await world(t, 'https');
    await fixture.configure({ s3: { endpoint: 'https://s3.plant.test', forcePathStyle: false } });
    const run = fixture.start({
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: certificate.file,
    });
    const { msg } = await run.says('paused');
    assert.match(
      `${msg}`,
      /certificate is for s3\.plant\.test, and not for inbox\..*: set s3\.forcePathStyle: true\./,
    );
  });

  test('what NO_PROXY names is reached directly', async (t) => {
    const { fixture, proxy } = await world(t, 'http');
    await fixture.configure({});
    await fixture.put('f.jpg', 'content');
    fixture.start({ HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.0/8' });
    await fixture.untilDrained();
    assert.deepEqual(proxy.asked, []);
  });

  test('a SOCKS proxy is refused at the start by the name of its variable', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const run = fixture.start({ HTTPS_PROXY: 'socks5://127.0.0.1:1080' });
    assert.equal(await run.exit, 78);
    assert.match(`${run.stdout}${run.stderr}`, /environment: HTTPS_PROXY names a socks5 proxy/);
  });
});

describe('certificates', { concurrency: 2 }, () => {
  async function store(t: TestContext): Promise<Omit<World, 'proxy'>> {
    const fixture = await DaemonFixture.create(t);
    const certificate = certificateFor(t, ['127.0.0.1']);
    const port = await tlsFront(t, certificate, Number(new URL(fixture.endpoint).port));
    await fixture.configure({ s3: { endpoint: `https://127.0.0.1:${port}` } });
    await fixture.put('f.jpg', 'content');
    return { fixture, certificate };
  }

  test('AWS_CA_BUNDLE names those that are trusted', async (t) => {
    const { fixture, certificate } = await store(t);
    fixture.start({ AWS_CA_BUNDLE: certificate.file });
    await fixture.untilDrained();
  });

  test('so does ca_bundle of the profile', async (t) => {
    const { fixture, certificate } = await store(t);
    const file = join(fixture.base, 'aws-config');
    await writeFile(file, `[default]\nca_bundle = ${certificate.file}\n`);
    fixture.start({ AWS_CONFIG_FILE: file });
    await fixture.untilDrained();
  });

  test('the bundle takes the place of others, but for NODE_EXTRA_CA_CERTS', async (t) => {
    const { fixture, certificate } = await store(t);
    const other = certificateFor(t, ['other.test']);
    const run = fixture.start({ AWS_CA_BUNDLE: other.file });
    assert.match(`${(await run.says('paused')).msg}`, /DEPTH_ZERO_SELF_SIGNED_CERT.*default.*AWS_CA_BUNDLE/);
    await run.stop();
    fixture.start({ AWS_CA_BUNDLE: other.file, NODE_EXTRA_CA_CERTS: certificate.file });
    await fixture.untilDrained();
  });

  for (const [what, content, says] of [
    ['missing', undefined, /aws-ca\.pem, which AWS_CA_BUNDLE names, cannot be read: ENOENT/],
    ['empty', '', /aws-ca\.pem, which AWS_CA_BUNDLE names, holds no certificate in PEM form/],
    ['no PEM', 'some text', /holds no certificate in PEM form/],
    [
      'damaged',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /certificate 1 in it cannot/,
    ],
  ] as const)
    test(`a bundle that is ${what} is named, by check and at the start`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      const file = join(fixture.base, 'aws-ca.pem');
      if (content !== undefined) await writeFile(file, content);
      const check = fixture.command(['check', '--config', fixture.configFile], { AWS_CA_BUNDLE: file });
      assert.equal(await check.exit, 1);
      assert.match(check.stdout, says);
      const run = fixture.start({ AWS_CA_BUNDLE: file });
      assert.equal(await run.exit, 1);
      assert.match(`${(await run.says('cannotStart')).msg}`, says);
      assert.match(run.stdout, /AWS_CA_BUNDLE in \/etc\/default\/halfpipe, then restart/);
    });
});

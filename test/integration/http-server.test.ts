// The server of src/http against clients that are slow, silent, hostile or many.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { HttpServer } from '../../src/http/http-server.ts';
import { answerBy, type Get, sendText } from '../../src/http/routes.ts';
import { TokenGate } from '../../src/http/token-gate.ts';
import { systemClock } from '../../src/system/clock.ts';
import { freePort } from '../support/free-port.ts';

const TOKEN = '0123456789abcdef';

async function served(t: TestContext, more: Record<string, Get> = {}, token?: TokenGate) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const hello: Get = (_, response) => sendText(response, 200, 'hello');
  const routes = new Map<string, Get>([['/hello', hello], ...Object.entries(more)]);
  const access = { hosts: ['other.example'], hostsSetting: 'observe.hosts', token };
  const server = new HttpServer(systemClock, answerBy({ routes, access: () => access, onError }), onError);
  const port = await freePort();
  await server.listen({ addresses: ['127.0.0.1'], port, setting: 'observe.listen' });
  t.after(() => server.close());
  /** All that the server sends until it closes the connection. */
  const exchange = async (text: string) => {
    const socket = await connected(t, port);
    socket.write(text);
    return all(socket);
  };
  const ask = (line: string, headers = '') =>
    exchange(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  return { server, port, exchange, ask, errors };
}

async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function all(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  if (!socket.destroyed) await once(socket, 'close');
  return text;
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test('GET has an answer, HEAD has its headers, every other method is refused with Allow', async (t) => {
  const { ask } = await served(t);
  assert.match(
    await ask('GET /hello'),
    /^HTTP\/1\.1 200 [\s\S]*Content-Length: 6\r\n[\s\S]*\r\n\r\nhello\n$/,
  );
  assert.match(await ask('GET /hello?x=1'), /hello\n$/);
  assert.match(await ask('HEAD /hello'), /^HTTP\/1\.1 200 [\s\S]*Content-Length: 6\r\n[\s\S]*\r\n\r\n$/);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND']) {
    const answer = await ask(`${method} /hello`);
    assert.match(answer, /^HTTP\/1\.1 405 [\s\S]*\r\nAllow: GET, HEAD\r\n/, method);
    assert.doesNotMatch(answer, /hello/);
  }
  assert.equal(await ask('CONNECT /hello'), '');
});

test('another path is 404 with what there is; an absolute or strange target is no path', async (t) => {
  const { ask } = await served(t);
  for (const target of [
    '/',
    '/hello/',
    '/Hello',
    '/../hello',
    '//hello',
    '*',
    'http://localhost/hello',
    '/%68ello',
  ])
    assert.match(await ask(`GET ${target}`), /^HTTP\/1\.1 404 [\s\S]*there are \/hello\n$/, target);
});

test('every answer has the headers that keep other sites out', async (t) => {
  const { ask, exchange } = await served(t);
  const foreign = await exchange('GET /hello HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
  for (const answer of [await ask('GET /hello'), await ask('GET /none'), await ask('PUT /hello'), foreign])
    for (const header of [
      'Cache-Control: no-store',
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
      'Cross-Origin-Resource-Policy: same-origin',
      'Referrer-Policy: no-referrer',
      'X-Content-Type-Options: nosniff',
      'X-Frame-Options: DENY',
    ])
      assert.ok(answer.includes(`\r\n${header}\r\n`), `${header} is missing in ${answer}`);
});

test('a request for another host is refused, and told which setting names hosts', async (t) => {
  const { exchange } = await served(t);
  const ask = (host: string) => exchange(`GET /hello HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
  assert.equal(statusOf(await ask('Host: other.example:80\r\n')), 200);
  assert.match(await ask('Host: evil.example\r\n'), /^HTTP\/1\.1 421 [\s\S]*add it to observe\.hosts\n$/);
  assert.equal(statusOf(await ask('Host: evil.example\r\nHost: localhost\r\n')), 421);
  assert.equal(statusOf(await ask('Host:\r\n')), 421);
  assert.equal(statusOf(await ask('')), 400);
  assert.equal(statusOf(await exchange('GET /hello HTTP/1.0\r\n\r\n')), 421);
});

test('without the token a client learns nothing, not even which paths there are', async (t) => {
  const { ask } = await served(t, {}, new TokenGate(TOKEN));
  for (const path of ['/hello', '/none']) {
    const answer = await ask(`GET ${path}`);
    assert.match(answer, /^HTTP\/1\.1 401 [\s\S]*\r\nWWW-Authenticate: Basic realm="halfpipe"/);
    assert.match(answer, /\r\nWWW-Authenticate: Bearer realm="halfpipe"\r\n/);
    assert.ok(!answer.includes('/hello'), answer);
  }
  assert.equal(statusOf(await ask('GET /hello', `Authorization: Bearer ${TOKEN}x\r\n`)), 401);
  assert.match(await ask('GET /hello', `Authorization: Bearer ${TOKEN}\r\n`), /hello\n$/);
  const basic = Buffer.from(`any:${TOKEN}`).toString('base64');
  assert.match(await ask('GET /hello', `Authorization: Basic ${basic}\r\n`), /hello\n$/);
});

test('an answer that fails is a 500 without the reason, which is reported', async (t) => {
  const broken = new Error('the reason');
  const { ask, errors } = await served(t, {
    '/throws': () => {
      throw broken;
    },
    '/rejects': async (_, response) => {
      response.write('begun');
      throw broken;
    },
  });
  const thrown = await ask('GET /throws');
  assert.match(thrown, /^HTTP\/1\.1 500 [\s\S]*the log says why\n$/);
  assert.ok(!thrown.includes('the reason'));
  await ask('GET /rejects');
  assert.deepEqual(errors, [broken, broken]);
  assert.match(await ask('GET /hello'), /hello\n$/);
});

test('headers that are too large, and what is no HTTP, are refused and the connection closed', async (t) => {
  const { exchange, ask } = await served(t);
  assert.equal(statusOf(await ask('GET /hello', `X: ${'x'.repeat(20_000)}\r\n`)), 431);
  assert.equal(statusOf(await ask(`GET /${'x'.repeat(20_000)}`)), 431);
  assert.equal(statusOf(await exchange('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n')), 400);
  assert.equal(
    statusOf(await ask('GET /hello', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')),
    400,
    'two lengths',
  );
  assert.match(await ask('GET /hello'), /hello\n$/);
});

test('thousands of connections that say nothing keep no other client out', async (t) => {
  const { port, ask } = await served(t);
  const silent: Socket[] = [];
  for (let batch = 0; batch < 20; batch += 1)
    silent.push(...(await Promise.all(Array.from({ length: 100 }, () => connected(t, port)))));
  assert.match(await ask('GET /hello'), /hello\n$/);
  const open = () => silent.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length;
  for (const socket of silent) socket.resume();
  while (open() > 64) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(open() > 0, 'not more are closed than needed');
  assert.match(await ask('GET /hello'), /hello\n$/);
});

test('a client that sends its headers, or its body, drop by drop is cut off', async (t) => {
  const { port } = await served(t);
  const drop = async (head: string) => {
    const socket = await connected(t, port);
    socket.write(head);
    const dripping = setInterval(() => socket.write('X: y\r\n'), 500);
    const answer = await all(socket);
    clearInterval(dripping);
    return answer;
  };
  const silent = async () => all(await connected(t, port));
  const [headers, nothing] = await Promise.all([
    drop('GET /hello HTTP/1.1\r\nHost: localhost\r\n'),
    silent(),
  ]);
  assert.equal(statusOf(headers), 408);
  assert.equal(statusOf(nothing), 408);
});

test('a client that sends requests without waiting for their answers is cut off', async (t) => {
  const { exchange, ask } = await served(t);
  const answers = await exchange('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000));
  assert.ok(answers.split('HTTP/1.1').length < 10, answers.slice(0, 2_000));
  assert.match(await ask('GET /hello'), /hello\n$/);
});

test('a connection with an answer under way is not closed for a new one', async (t) => {
  let finish = () => undefined as unknown;
  const { port, ask } = await served(t, {
    '/slow': (_, response) => {
      finish = () => sendText(response, 200, 'done');
    },
  });
  const slow = await connected(t, port);
  slow.write('GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const answer = all(slow);
  await Promise.all(Array.from({ length: 200 }, () => connected(t, port)));
  assert.match(await ask('GET /hello'), /hello\n$/);
  finish();
  assert.match(await answer, /done\n$/);
});

test('close cuts off what is under way, and the port is free at once', async (t) => {
  const { server, port } = await served(t, { '/slow': () => undefined });
  const slow = await connected(t, port);
  slow.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const idle = await connected(t, port);
  await Promise.all([server.close(), all(slow), all(idle)]);
  await server.listen({ addresses: ['127.0.0.1'], port, setting: 'observe.listen' });
});

test('a port that is in use is a fault that names it and the way out', async (t) => {
  const { port } = await served(t);
  const other = new HttpServer(systemClock, () => undefined, assert.ifError);
  await assert.rejects(other.listen({ addresses: ['127.0.0.1'], port, setting: 'observe.listen' }), {
    name: 'Fault',
    code: 'EADDRINUSE',
    message: `cannot listen on 127.0.0.1:${port} (observe.listen): another program listens there`,
    hint: `Find it with ss -ltnp 'sport = :${port}' and stop it, or set observe.listen to another port`,
  });
});

test('an address of another machine is a fault; a missing family only matters if it is the only one', async (t) => {
  const port = await freePort();
  const server = new HttpServer(systemClock, () => undefined, assert.ifError);
  t.after(() => server.close());
  const at = { port, setting: 'observe.listen' };
  await assert.rejects(
    server.listen({ addresses: ['203.0.113.9'], ...at }),
    /this machine has no such address/,
  );
  await server.listen({ addresses: ['127.0.0.1', '2001:db8::7'], ...at });
  assert.deepEqual(server.urls, [`http://127.0.0.1:${port}`]);
});

test('when one of two addresses is taken, neither is listened on', async (t) => {
  const port = await freePort();
  const taken = createServer().listen(port, '127.0.0.2');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const server = new HttpServer(systemClock, () => undefined, assert.ifError);
  const at = { port, setting: 'observe.listen' };
  await assert.rejects(server.listen({ addresses: ['127.0.0.1', '127.0.0.2'], ...at }), /another program/);
  assert.deepEqual(server.urls, []);
  await server.listen({ addresses: ['127.0.0.1'], ...at });
  await server.close();
});

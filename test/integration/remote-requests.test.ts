// What is particular to requests that are sent by another thread; the rest is the contract in paced-handler.test.ts.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/system/clock.ts';
import { PIECE_BYTES, SMALL_ANSWER_BYTES } from '../../src/thread/messages.ts';
import type { HttpRequest } from '../../src/transport/http-request.ts';
import { UNPACED } from '../../src/transport/pacer.ts';
import { DIRECT } from '../support/direct-way.ts';
import { test } from '../support/nothing-left.ts';
import { TwoThreads } from '../support/two-threads.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function world(t: TestContext, answer: Answer, idleTimeoutMs = 10_000) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const threads = new TwoThreads({
    pacer: { ...UNPACED, sliceBytes: () => 50_000 },
    clock: systemClock,
    wayOut: DIRECT,
    connectTimeoutMs: 2_000,
    idleTimeoutMs,
    deadlineMs: 10_000,
    maxSockets: 8,
  });
  t.after(() => {
    threads.end();
    server.closeAllConnections();
    server.close();
  });
  return { server, threads };
}

function requestTo(server: Server, method: string, body?: Buffer): HttpRequest {
  const { port } = server.address() as AddressInfo;
  const length = body === undefined ? {} : { 'content-length': String(body.byteLength) };
  const headers = { host: `127.0.0.1:${port}`, ...length };
  const request = {
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    path: '/b/k',
    query: {},
    method,
    headers,
  };
  return { ...request, body } as unknown as HttpRequest;
}

/** Begins an answer and never ends it. */
const stalls: Answer = (_, response) => {
  response.writeHead(200);
  response.write(Buffer.alloc(200_000));
};

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise(setImmediate);
};

for (const bytes of [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 12 * PIECE_BYTES + 12_345])
  test(`a body of ${bytes} bytes arrives byte for byte, and stays what it was`, async (t) => {
    let received: Buffer | undefined;
    const { server, threads } = await world(t, async (request, response) => {
      received = Buffer.concat(await request.toArray());
      response.end();
    });
    const body = randomBytes(bytes);
    const before = Buffer.from(body);
    await threads.handle(requestTo(server, 'PUT', body));
    assert.ok(received?.equals(before), 'the server has it');
    assert.ok(body.equals(before), 'and so have we, for another attempt');
  });

test('a body in shared memory arrives byte for byte', async (t) => {
  let received: Buffer | undefined;
  const { server, threads } = await world(t, async (request, response) => {
    received = Buffer.concat(await request.toArray());
    response.end();
  });
  const body = Buffer.from(new SharedArrayBuffer(3 * PIECE_BYTES), 7);
  randomBytes(body.byteLength).copy(body);
  await threads.handle(requestTo(server, 'PUT', body));
  assert.ok(received?.equals(body));
});

test('a large body is never copied whole: two pieces at a time', async (t) => {
  const { server, threads } = await world(t, (request) => request.pause());
  const body = Buffer.alloc(64 * PIECE_BYTES);
  const stop = new AbortController();
  const handled = threads.handle(requestTo(server, 'PUT', body), { abortSignal: stop.signal });
  let sent = -1;
  while (sent !== threads.orders.length) {
    sent = threads.orders.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const wanted = threads.notices.filter(({ kind }) => kind === 'wantsBody').length;
  const pieces = threads.orders.filter(({ kind }) => kind === 'request' || kind === 'body').length;
  assert.equal(pieces, wanted + 2);
  assert.ok(pieces < 64, 'a server that does not read holds the rest back');
  stop.abort();
  await assert.rejects(handled, { name: 'AbortError' });
});

for (const [kind, headers] of [
  ['with a length', { 'content-length': '3000000' }],
  ['without a length', {}],
] as const)
  test(`a long answer ${kind} arrives byte for byte`, async (t) => {
    const content = randomBytes(3_000_000);
    const { server, threads } = await world(t, (_, response) => {
      response.writeHead(200, headers).end(content);
    });
    const { response } = await threads.handle(requestTo(server, 'GET'));
    assert.ok(Buffer.concat(await (response.body as Readable).toArray()).equals(content));
  });

test('an answer of a few bytes without a length arrives, too', async (t) => {
  const { server, threads } = await world(t, (_, response) => {
    response.write('<a>');
    response.end('</a>');
  });
  const { response } = await threads.handle(requestTo(server, 'GET'));
  assert.equal(Buffer.concat(await (response.body as Readable).toArray()).toString(), '<a></a>');
});

test('an answer to HEAD has the length of what is not sent', async (t) => {
  const { server, threads } = await world(t, (_, response) => {
    response.writeHead(200, { 'content-length': String(SMALL_ANSWER_BYTES * 10) }).end();
  });
  const { response } = await threads.handle(requestTo(server, 'HEAD'));
  assert.equal(response.headers['content-length'], String(SMALL_ANSWER_BYTES * 10));
  assert.deepEqual(await (response.body as Readable).toArray(), []);
});

test('an answer that is not read is not taken from the server', async (t) => {
  const content = randomBytes(8_000_000);
  const { server, threads } = await world(t, (_, response) => {
    response.writeHead(200).end(content);
  });
  const { response } = await threads.handle(requestTo(server, 'GET'));
  const taken = () => threads.notices.filter(({ kind }) => kind === 'answerBody').length;
  const wanted = () => threads.orders.filter(({ kind }) => kind === 'read').length;
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    assert.ok(taken() <= wanted(), `${taken()} pieces were taken, and ${wanted()} asked for`);
  }
  assert.ok(taken() <= 1);
  assert.ok(Buffer.concat(await (response.body as Readable).toArray()).equals(content));
});

test('a request that is over is forgotten on both sides, whichever way it ended', async (t) => {
  const { server, threads } = await world(t, (request, response) => {
    if (request.method === 'PUT') return void request.socket.resetAndDestroy();
    if (request.method === 'HEAD') return void response.end();
    response.writeHead(200).end(Buffer.alloc(300_000));
  });
  const stop = new AbortController();
  await threads.handle(requestTo(server, 'HEAD'));
  const read = await threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  await (read.response.body as Readable).toArray();
  const left = await threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  (left.response.body as Readable).destroy();
  await assert.rejects(threads.handle(requestTo(server, 'PUT', Buffer.alloc(9))));
  const given = threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  stop.abort();
  await assert.rejects(given, { name: 'AbortError' });
  for (let turn = 0; turn < 500 && threads.underWay.some((requests) => requests > 0); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 2));
  assert.deepEqual(threads.underWay, [0, 0]);
});

test('an answer that is given up in the middle closes the connection', async (t) => {
  let closed = false;
  const { server, threads } = await world(t, (request, response) => {
    request.socket.once('close', () => {
      closed = true;
    });
    response.writeHead(200);
    response.write(Buffer.alloc(1_000_000));
  });
  const { response } = await threads.handle(requestTo(server, 'GET'));
  for await (const _ of response.body as Readable) break;
  await until(() => closed);
});

test('an answer that breaks off in the middle fails whoever reads it', async (t) => {
  const { server, threads } = await world(t, (request, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    response.write(Buffer.alloc(200_000), () => request.socket.resetAndDestroy());
  });
  const { response } = await threads.handle(requestTo(server, 'GET'));
  await assert.rejects((response.body as Readable).toArray(), { code: 'ECONNRESET' });
});

test('a signal that aborts in the middle of an answer fails whoever reads it', async (t) => {
  const { server, threads } = await world(t, stalls);
  const stop = new AbortController();
  const { response } = await threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  const read = (response.body as Readable).toArray();
  setImmediate(() => stop.abort());
  await assert.rejects(read, { name: 'AbortError' });
});

test('an answer that fails before anybody reads it fails whoever does so later, and nobody else', async (t) => {
  const { server, threads } = await world(t, stalls);
  const stop = new AbortController();
  const { response } = await threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  stop.abort();
  await new Promise(setImmediate);
  await assert.rejects((response.body as Readable).toArray(), { name: 'AbortError' });
});

test('an answer that nobody ever reads is forgotten once the connection has been given up', async (t) => {
  const { server, threads } = await world(t, stalls, 50);
  await threads.handle(requestTo(server, 'GET'));
  await until(() => threads.notices.some(({ kind }) => kind === 'failed'));
});

test('an answer that has arrived and is not read is let go when the request is given up', async (t) => {
  const { server, threads } = await world(t, (_, response) => {
    response.writeHead(200).end(Buffer.alloc(SMALL_ANSWER_BYTES + 1_000));
  });
  const stop = new AbortController();
  await threads.handle(requestTo(server, 'GET'), { abortSignal: stop.signal });
  // On another connection, and answered later.
  await threads.handle(requestTo(server, 'HEAD'));
  stop.abort();
  for (let turn = 0; turn < 500 && threads.underWay.some((requests) => requests > 0); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 2));
  assert.deepEqual(threads.underWay, [0, 0]);
});

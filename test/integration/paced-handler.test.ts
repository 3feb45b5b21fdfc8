import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe } from 'node:test';
import type { QueuedRequest } from '../../src/pace/turns.ts';
import { systemClock } from '../../src/system/clock.ts';
import { Deliveries } from '../../src/transport/deliveries.ts';
import type { HttpRequest } from '../../src/transport/http-request.ts';
import { localHandler } from '../../src/transport/local-handler.ts';
import type { PacedHandlerOptions } from '../../src/transport/paced-handler.ts';
import type { Pacer } from '../../src/transport/pacer.ts';
import type { SdkHandler } from '../../src/transport/sdk-handler.ts';
import { DIRECT } from '../support/direct-way.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';
import { TwoThreads } from '../support/two-threads.ts';

/** Lets `openBytes` pass at once; whoever asks for more waits until it is aborted. */
class GatePacer implements Pacer {
  admittedBytes = 0;
  readonly asked: number[] = [];
  openBytes: number;
  readonly #waiting = new Set<QueuedRequest>();
  readonly #sliceBytes: number;

  constructor(openBytes = Number.POSITIVE_INFINITY, sliceBytes = 1_000) {
    this.openBytes = openBytes;
    this.#sliceBytes = sliceBytes;
  }

  sliceBytes(): number {
    return this.#sliceBytes;
  }

  ask(request: QueuedRequest, bytes: number): void {
    this.asked.push(bytes);
    if (this.admittedBytes + bytes > this.openBytes) return void this.#waiting.add(request);
    this.admittedBytes += bytes;
    request.admitted();
  }

  over(request: QueuedRequest): void {
    this.#waiting.delete(request);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** There is room for whoever waits. */
  admitAll(): void {
    for (const request of this.#waiting) {
      this.#waiting.delete(request);
      request.admitted();
    }
  }
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  // The server never closes an idle connection, so that a test sees which side closed it.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

type Handler = Pick<SdkHandler, 'handle' | 'exchange' | 'destroy'>;
type CreateHandler = (pacer: Pacer, options?: Partial<PacedHandlerOptions>) => Handler;

const LIMITS = { connectTimeoutMs: 2_000, idleTimeoutMs: 10_000, deadlineMs: 10_000, maxSockets: 8 };

function direct(pacer: Pacer, options: Partial<PacedHandlerOptions> = {}): Handler {
  const handler = localHandler({ ...LIMITS, wayOut: DIRECT, pacer, clock: systemClock, ...options });
  cleanups.push(() => handler.destroy());
  return handler;
}

function acrossThreads(pacer: Pacer, options: Partial<PacedHandlerOptions> = {}): TwoThreads {
  const threads = new TwoThreads({ ...LIMITS, wayOut: DIRECT, pacer, clock: systemClock, ...options });
  cleanups.push(() => threads.end());
  return threads;
}

function requestTo(server: Server, body: unknown, method = 'PUT'): HttpRequest {
  const { port } = server.address() as AddressInfo;
  const headers: Record<string, string> = { host: `127.0.0.1:${port}`, 'x-test': 'yes' };
  if (body instanceof Uint8Array) headers['content-length'] = String(body.byteLength);
  const request = { protocol: 'http:', hostname: '127.0.0.1', port, path: '/bucket/key', query: {}, method };
  return { ...request, headers, body } as unknown as HttpRequest;
}

async function textOf(body: Readable): Promise<string> {
  return Buffer.concat(await body.toArray()).toString();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** As until(), and fails instead of waiting for ever. */
async function soon(condition: () => boolean): Promise<void> {
  for (let look = 0; look < 1_000 && !condition(); look += 1)
    await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(condition(), `not so: ${condition}`);
}

describe('a paced handler', () => contract(direct));
describe('a paced handler in another thread', () => contract(acrossThreads));

test('an early answer makes room on the line, and not for the rest of the same body', async () => {
  let requests = 0;
  const server = await serve((_, response) => {
    requests += 1;
    response.writeHead(503).end();
  });
  const { signal } = new AbortController();
  const pacer = new GatePacer(2_500);
  const deliveries = new Deliveries({ clock: systemClock, onRoom: () => pacer.admitAll() });
  const handler = direct(pacer, { deliveries });
  const answer = await handler.exchange(requestTo(server, undefined), Buffer.alloc(90_000), signal);
  assert.equal(answer.statusCode, 503);
  // A second connection would be served before this request.
  await handler.exchange(requestTo(server, undefined), Buffer.alloc(0), signal);
  assert.equal(requests, 2);
  assert.equal(deliveries.hasRoom && pacer.waiting === 0, true);
});

function contract(handlerWith: CreateHandler): void {
  test('sends the body byte-exact in slices, with its length, and charges the head with the first slice', async () => {
    let received = Buffer.alloc(0);
    let headers: IncomingMessage['headers'] = {};
    const server = await serve(async (request, response) => {
      headers = request.headers;
      received = Buffer.concat(await request.toArray());
      response.end('stored');
    });
    const pacer = new GatePacer();
    const body = Buffer.from(Array.from({ length: 3_400 }, (_, i) => i % 251));
    const { response } = await handlerWith(pacer).handle(requestTo(server, body));
    assert.equal(response.statusCode, 200);
    assert.equal(await textOf(response.body), 'stored');
    assert.deepEqual(received, body);
    assert.equal(headers['content-length'], '3400');
    assert.equal(headers['transfer-encoding'], undefined);
    const headBytes = (pacer.asked[0] ?? 0) - 1_000;
    assert.deepEqual(
      pacer.asked.slice(1),
      [1_000, 1_400],
      'a last one that is small goes with the one before',
    );
    assert.ok(headBytes > 80 && headBytes < 200, `head charged as ${headBytes} bytes`);
  });

  test('exchanges a small request for the whole answer', async () => {
    let received = '';
    const server = await serve(async (request, response) => {
      received = Buffer.concat(await request.toArray()).toString();
      response.writeHead(412, { ETag: '"e"', 'x-amz-request-id': 'r' }).end('<Error/>');
    });
    const bytes = Buffer.from('a small body');
    const { body: _, ...head } = requestTo(server, bytes);
    const { signal } = new AbortController();
    const answer = await handlerWith(new GatePacer()).exchange(head, bytes, signal);
    assert.deepEqual([answer.statusCode, answer.headers.etag], [412, '"e"']);
    assert.deepEqual([received, Buffer.from(answer.body).toString()], ['a small body', '<Error/>']);
    assert.equal(bytes.toString(), 'a small body');
  });

  test('an exchange is given up as any other request', async () => {
    const server = await serve((request) => request.resume());
    const pacer = new GatePacer(0);
    const stop = new AbortController();
    const { body: _, ...head } = requestTo(server, undefined);
    const exchanged = handlerWith(pacer).exchange(head, Buffer.alloc(9), stop.signal);
    await until(() => pacer.waiting === 1);
    stop.abort();
    await assert.rejects(exchanged, { name: 'AbortError' });
    await until(() => pacer.waiting === 0);
  });

  for (const [name, body, method] of [
    ['no body', undefined, 'GET'],
    ['an empty body', new Uint8Array(0), 'PUT'],
  ] as const) {
    test(`charges the head alone for a request with ${name}`, async () => {
      let length: string | undefined;
      const server = await serve((request, response) => {
        length = request.headers['content-length'] ?? request.headers['transfer-encoding'];
        response.end();
      });
      const pacer = new GatePacer();
      const { response } = await handlerWith(pacer).handle(requestTo(server, body, method));
      await textOf(response.body);
      assert.equal(length, method === 'GET' ? undefined : '0');
      assert.equal(pacer.asked.length, 1);
    });
  }

  test('refuses a stream as body', async () => {
    const server = await serve((_, response) => response.end());
    await assert.rejects(
      handlerWith(new GatePacer()).handle(requestTo(server, Readable.from(['x']))),
      TypeError,
    );
  });

  test('stays at most one slice ahead of a server that does not read', async () => {
    const server = await serve((request) => request.pause());
    const pacer = new GatePacer(Number.POSITIVE_INFINITY, 64 * 1024);
    const stop = new AbortController();
    const body = Buffer.alloc(64 * 1024 ** 2);
    const handled = handlerWith(pacer).handle(requestTo(server, body), { abortSignal: stop.signal });
    let before = -1;
    // Until the kernel's buffers are full.
    while (before !== pacer.admittedBytes) {
      before = pacer.admittedBytes;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(pacer.admittedBytes < body.length / 2, `${pacer.admittedBytes} bytes admitted`);
    stop.abort();
    await assert.rejects(handled, { name: 'AbortError' });
  });

  test('opens no connection before it is the turn of the request', async () => {
    let connections = 0;
    const server = await serve((_, response) => response.end());
    server.on('connection', () => {
      connections += 1;
    });
    const pacer = new GatePacer(0);
    const stop = new AbortController();
    const handled = handlerWith(pacer).handle(requestTo(server, Buffer.alloc(9_000)), {
      abortSignal: stop.signal,
    });
    await until(() => pacer.waiting === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    await assert.rejects(handled, { name: 'AbortError' });
    assert.equal(connections, 0);
    await until(() => pacer.waiting === 0);
  });

  test('gives a request whose turn does not come for a minute back unsent, to be signed anew', async () => {
    const server = await serve((_, response) => response.end());
    const pacer = new GatePacer(0);
    const clock = new SimClock();
    const handled = handlerWith(pacer, { clock }).handle(requestTo(server, Buffer.alloc(9_000)));
    const refused = assert.rejects(handled, { code: 'ERR_SIGNATURE_AGED' });
    await until(() => pacer.waiting === 1);
    await clock.advance(59_999);
    assert.equal(pacer.waiting, 1);
    await clock.advance(1);
    await refused;
    assert.equal(pacer.waiting, 0);
    assert.equal(pacer.admittedBytes, 0);
  });

  test('takes no further token when aborted while it waits for one', async () => {
    const server = await serve((request) => request.resume());
    const pacer = new GatePacer(2_500);
    const stop = new AbortController();
    const handled = handlerWith(pacer).handle(requestTo(server, Buffer.alloc(9_000)), {
      abortSignal: stop.signal,
    });
    await until(() => pacer.waiting === 1);
    const asked = pacer.asked.length;
    stop.abort(new Error('stopping'));
    await assert.rejects(handled, { name: 'AbortError' });
    await until(() => pacer.waiting === 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(pacer.asked.length, asked);
  });

  test('returns an answer that comes before the body is sent, stops sending and gives the connection up', async () => {
    let closed = false;
    const server = await serve((request, response) => {
      request.socket.once('close', () => {
        closed = true;
      });
      response.writeHead(412).end('<Error/>');
    });
    const pacer = new GatePacer(2_500);
    // Time stands still: no limit may close the connection instead.
    const handler = handlerWith(pacer, { clock: new SimClock() });
    const { response } = await handler.handle(requestTo(server, Buffer.alloc(90_000)));
    assert.equal(response.statusCode, 412);
    assert.equal(await textOf(response.body), '<Error/>');
    await soon(() => pacer.waiting === 0 && closed);
    assert.ok(pacer.admittedBytes <= 2_500);
  });

  test('takes no further token once an answer has begun, though the answer does not end', async () => {
    const server = await serve((_, response) => {
      response.writeHead(412).write('it goes on');
    });
    const pacer = new GatePacer(2_500);
    const { response } = await handlerWith(pacer).handle(requestTo(server, Buffer.alloc(90_000)));
    await soon(() => pacer.waiting === 0);
    response.body.destroy();
  });

  test('gives up on an answer that begins while a slice waits for the pacer, and never ends', async () => {
    const server = await serve((_, response) => {
      response.writeHead(503, { 'Content-Length': 9 }).write('not');
    });
    const handler = handlerWith(new GatePacer(2_500), { idleTimeoutMs: 100 });
    const { signal } = new AbortController();
    const exchanged = handler.exchange(requestTo(server, undefined), Buffer.alloc(90_000), signal);
    await assert.rejects(exchanged, { name: 'TimeoutError', code: 'ERR_REQUEST_IDLE' });
  });

  test('sends nothing, and asks for no token, where the caller has given up before', async () => {
    let requests = 0;
    const server = await serve((_, response) => {
      requests += 1;
      response.end();
    });
    const pacer = new GatePacer();
    const abortSignal = AbortSignal.abort();
    const handled = handlerWith(pacer).handle(requestTo(server, Buffer.alloc(10)), { abortSignal });
    await assert.rejects(handled, { name: 'AbortError' });
    assert.deepEqual([requests, pacer.admittedBytes], [0, 0]);
  });

  test('listens to an abort once, however many slices a body has', async () => {
    const listeners: number[] = [];
    const stop = new AbortController();
    class Counting extends GatePacer {
      override ask(request: QueuedRequest, bytes: number): void {
        listeners.push(getEventListeners(stop.signal, 'abort').length);
        super.ask(request, bytes);
      }
    }
    const server = await serve((request, response) => {
      request.resume().once('end', () => response.end());
    });
    const { response } = await handlerWith(new Counting()).handle(requestTo(server, Buffer.alloc(50_000)), {
      abortSignal: stop.signal,
    });
    await textOf(response.body);
    assert.deepEqual([listeners.length, Math.max(...listeners)], [50, 1]);
  });

  test('rejects when the connection breaks while it waits for the pacer, and frees its place there', async () => {
    const server = await serve((request) => request.once('data', () => request.socket.resetAndDestroy()));
    const pacer = new GatePacer(2_500);
    await assert.rejects(handlerWith(pacer).handle(requestTo(server, Buffer.alloc(90_000))), {
      code: 'ECONNRESET',
    });
    await until(() => pacer.waiting === 0);
  });

  test('gives up on a server that never answers', async () => {
    const server = await serve((request) => request.resume());
    const handler = handlerWith(new GatePacer(), { idleTimeoutMs: 50 });
    await assert.rejects(handler.handle(requestTo(server, Buffer.alloc(10))), {
      name: 'TimeoutError',
      code: 'ERR_REQUEST_IDLE',
    });
  });

  test('gives up on a server that trickles its answer past the deadline', async () => {
    const server = await serve((_, response) => {
      const timer = setInterval(() => response.writeProcessing(), 10);
      response.once('close', () => clearInterval(timer));
    });
    const handler = handlerWith(new GatePacer(), { idleTimeoutMs: 60, deadlineMs: 150 });
    await assert.rejects(handler.handle(requestTo(server, Buffer.alloc(10))), {
      code: 'ERR_REQUEST_DEADLINE',
    });
  });

  test('lets a request wait for the pacer longer than its idle limit and its deadline', async () => {
    const server = await serve((request, response) => {
      request.resume().once('end', () => response.end('stored'));
    });
    const slow: Pacer = {
      sliceBytes: () => 4_000,
      ask: (request) => void setTimeout(() => request.admitted(), 150),
      over: () => undefined,
    };
    const handler = handlerWith(slow, { idleTimeoutMs: 100, deadlineMs: 100 });
    const { response } = await handler.handle(requestTo(server, Buffer.alloc(10_000)));
    assert.equal(await textOf(response.body), 'stored');
  });

  test('leaves nothing behind on a signal that outlives many requests', async () => {
    const server = await serve((request, response) => {
      request.resume().once('end', () => response.end());
    });
    const handler = handlerWith(new GatePacer());
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i += 1) {
      const { response } = await handler.handle(requestTo(server, Buffer.alloc(2_000)), {
        abortSignal: signal,
      });
      await textOf(response.body);
    }
    await until(() => getEventListeners(signal, 'abort').length === 0);
  });

  test('when destroyed, closes a connection in use as soon as its request is over', async () => {
    let closed = false;
    let finish: () => void = () => undefined;
    const server = await serve((request, response) => {
      request.socket.once('close', () => {
        closed = true;
      });
      finish = () => void response.end(', and ended');
      request.resume().once('end', () => response.writeHead(200).write('begun'));
    });
    const handler = handlerWith(new GatePacer(), { clock: new SimClock() });
    const { response } = await handler.handle(requestTo(server, Buffer.alloc(2_000)));
    handler.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(closed, false);
    finish();
    assert.equal(await textOf(response.body), 'begun, and ended');
    await soon(() => closed);
  });

  test('reuses a connection, closes idle ones when destroyed, and still serves requests after that', async () => {
    const ports = new Set<number | undefined>();
    const server = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      request.resume().once('end', () => response.end());
    });
    const handler = handlerWith(new GatePacer());
    for (let i = 0; i < 3; i += 1) {
      const { response } = await handler.handle(requestTo(server, Buffer.alloc(2_000)));
      await textOf(response.body);
      await new Promise(setImmediate);
    }
    assert.equal(ports.size, 1);
    handler.destroy();
    const { response } = await handler.handle(requestTo(server, Buffer.alloc(2_000)));
    await textOf(response.body);
    assert.equal(ports.size, 2);
    await until(() => server.listening);
    const open = await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    assert.ok(open <= 1);
  });
}

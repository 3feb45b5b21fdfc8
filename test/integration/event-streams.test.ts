// Server-sent events for several clients, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { EventStreams } from '../../src/http/event-streams.ts';
import { httpGet } from '../support/http-get.ts';

async function serve(t: TestContext, streams: EventStreams, first = () => 'first'): Promise<number> {
  const server = createServer((request, response) => streams.add(request, response, first));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** A client that listens, and what it has received. */
async function listen(t: TestContext, port: number) {
  const [answer]: IncomingMessage[] = await once(httpRequest({ port, host: '127.0.0.1' }), 'response');
  assert.ok(answer);
  let received = '';
  answer.setEncoding('utf8').on('data', (text) => {
    received += text;
  });
  answer.on('error', () => undefined);
  t.after(() => answer.destroy());
  const receives = async (text: string) => {
    while (!received.includes(text)) await once(answer, 'data');
  };
  return { answer, receives, received: () => received };
}

describe('server-sent events', () => {
  test('every client gets the first message at once, and then each one that is sent', async (t) => {
    const streams = new EventStreams();
    const port = await serve(t, streams);
    const clients = [await listen(t, port), await listen(t, port)];
    for (const { receives } of clients) await receives('data: first\n\n');
    streams.send('{"one":1}');
    for (const { receives, received, answer } of clients) {
      await receives('data: {"one":1}\n\n');
      assert.equal(received(), 'retry: 2000\ndata: first\n\ndata: {"one":1}\n\n');
      assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
    }
  });

  test('a client that leaves is forgotten', async (t) => {
    const streams = new EventStreams();
    const { answer, receives } = await listen(t, await serve(t, streams));
    await receives('first');
    assert.equal(streams.size, 1);
    answer.destroy();
    while (streams.size > 0) await new Promise(setImmediate);
    streams.send('nothing listens');
  });

  test('one client too many is refused, and told why', async (t) => {
    const streams = new EventStreams(1);
    const port = await serve(t, streams);
    const { answer, receives } = await listen(t, port);
    await receives('first');
    const refused = await httpGet(`http://127.0.0.1:${port}/`);
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '10']);
    assert.equal(refused.body, '1 clients listen already: close a page\n');
    answer.destroy();
    while (streams.size > 0) await new Promise(setImmediate);
    await (await listen(t, port)).receives('first');
  });

  test('a client that takes nothing is dropped, and the others go on', async (t) => {
    const streams = new EventStreams();
    const port = await serve(t, streams);
    const stuck: Socket = connect(port, '127.0.0.1');
    t.after(() => stuck.destroy());
    stuck.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(stuck, 'readable');
    const { receives } = await listen(t, port);
    const message = 'x'.repeat(100_000);
    // More than the buffers of both kernels and of the server hold.
    for (let count = 0; streams.size > 1; count += 1) {
      assert.ok(count < 1_000, 'the client is still there after 100 MB');
      streams.send(`${count} ${message}`);
      await receives(`data: ${count} `);
    }
    streams.send('the end');
    await receives('data: the end\n\n');
  });

  test('a question for the head alone is answered and over', async (t) => {
    const streams = new EventStreams();
    const port = await serve(t, streams);
    const request = httpRequest({ port, host: '127.0.0.1', method: 'HEAD', agent: false });
    const [answer]: IncomingMessage[] = await once(request, 'response');
    assert.equal(answer?.statusCode, 200);
    answer?.resume();
    assert.equal(streams.size, 0);
  });
});

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { Connection, Occupant } from '../../src/transport/connection.ts';
import { type Applicant, ConnectionPool } from '../../src/transport/connection-pool.ts';
import { SimClock } from '../support/sim-clock.ts';

/** A connection to a server that answers what a test says. */
class FakeSocket extends Duplex {
  readonly sent: string[] = [];
  ref(): void {
    // Nothing waits for it.
  }
  unref(): void {
    // Nothing waits for it.
  }
  override _read(): void {
    // The test pushes.
  }
  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.sent.push(chunk.toString());
    callback();
  }
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n';
const turn = () => new Promise(setImmediate);

function pool(maxSockets = 9) {
  const clock = new SimClock();
  const sockets: FakeSocket[] = [];
  const open = () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as Socket;
  };
  const connections = new ConnectionPool({ clock, maxSockets, open });
  return { clock, sockets, connections };
}

class Request implements Applicant, Occupant {
  readonly heard: string[] = [];
  connection: Connection | undefined;
  connected(connection: Connection): void {
    this.connection = connection;
    connection.begin(this, 'GET', 'GET / HTTP/1.1\r\n\r\n', new Uint8Array(0), () => undefined);
    connection.sent();
  }
  answered({ statusCode }: { statusCode: number }): void {
    this.heard.push(`${statusCode}`);
  }
  piece(bytes: Buffer): void {
    this.heard.push(`${bytes}`);
  }
  goesOn(): void {
    this.heard.push('…');
  }
  ended(): void {
    this.heard.push('end');
  }
  lost(error: Error): void {
    this.heard.push(Reflect.get(error, 'code'));
  }
}

function taken(connections: ConnectionPool): Request {
  const request = new Request();
  connections.take(request);
  return request;
}

test('the connection that was used last is used next', async () => {
  const { sockets, connections } = pool();
  const first = [taken(connections), taken(connections)];
  for (const at of [1, 0]) {
    sockets[at]?.push(`${ANSWER}\r\n`);
    await turn();
  }
  assert.deepEqual(
    first.map(({ heard }) => heard),
    [
      ['200', 'end'],
      ['200', 'end'],
    ],
  );
  assert.equal(taken(connections).connection, first[0]?.connection);
  assert.equal(sockets.length, 2);
});

test('no more connections are opened than may be; a request waits for the next one that is free', async () => {
  const { sockets, connections } = pool(1);
  const [first, second, third] = [taken(connections), taken(connections), taken(connections)];
  assert.equal(second.connection, undefined);
  connections.leave(second);
  sockets[0]?.push(`${ANSWER}\r\n`);
  await turn();
  assert.equal(third.connection, first.connection);
  assert.deepEqual([second.connection, sockets.length], [undefined, 1]);
});

test('a request that waits gets a new connection when one breaks', async () => {
  const { sockets, connections } = pool(1);
  const [first, second] = [taken(connections), taken(connections)];
  sockets[0]?.destroy();
  await turn();
  assert.deepEqual(first.heard, ['ECONNRESET']);
  assert.equal(sockets.length, 2);
  sockets[1]?.push(`${ANSWER}\r\n`);
  await turn();
  assert.deepEqual(second.heard, ['200', 'end']);
});

for (const { says, idleMs, isUsed } of [
  { says: '', idleMs: 60_000, isUsed: true },
  { says: 'Keep-Alive: timeout=5\r\n', idleMs: 3_999, isUsed: true },
  { says: 'Keep-Alive: timeout=5\r\n', idleMs: 4_000, isUsed: false },
  { says: 'Connection: close\r\n', idleMs: 0, isUsed: false },
])
  test(`after ${JSON.stringify(says)} and ${idleMs} ms a connection is ${isUsed ? '' : 'not '}used again`, async () => {
    const { clock, sockets, connections } = pool();
    taken(connections);
    sockets[0]?.push(`${ANSWER}${says}\r\n`);
    await turn();
    await clock.advance(idleMs);
    taken(connections);
    assert.deepEqual([sockets.length, sockets[0]?.destroyed], isUsed ? [1, false] : [2, true]);
  });

test('a connection on which a server speaks unasked is closed', async () => {
  const { sockets, connections } = pool();
  taken(connections);
  sockets[0]?.push(`${ANSWER}\r\n`);
  await turn();
  sockets[0]?.push('HTTP/1.1 408 Request Timeout\r\n\r\n');
  await turn();
  assert.equal(sockets[0]?.destroyed, true);
  taken(connections);
  assert.equal(sockets.length, 2);
});

test('an answer with bytes after it is an answer, and its connection is closed', async () => {
  const { sockets, connections } = pool();
  const request = taken(connections);
  sockets[0]?.push(`${ANSWER}\r\nHTTP/1.1 200 OK\r\n\r\n`);
  await turn();
  assert.deepEqual([request.heard, sockets[0]?.destroyed], [['200', 'end'], true]);
});

test('an answer that comes before the request was sent is an answer, and its connection is closed', async () => {
  const { sockets, connections } = pool();
  const request = new (class extends Request {
    override connected(connection: Connection): void {
      connection.begin(this, 'PUT', 'PUT / HTTP/1.1\r\n\r\n', Buffer.from('half'), () => undefined);
    }
  })();
  connections.take(request);
  sockets[0]?.push(`${ANSWER}\r\n`);
  await turn();
  assert.deepEqual([request.heard, sockets[0]?.destroyed], [['200', 'end'], true]);
});

test('what is no answer fails the request and closes the connection', async () => {
  const { sockets, connections } = pool();
  const request = taken(connections);
  sockets[0]?.push('SSH-2.0-OpenSSH\r\n');
  await turn();
  assert.deepEqual([request.heard, sockets[0]?.destroyed], [['HPE_INVALID_CONSTANT'], true]);
});

test('an answer without a length ends with the connection', async () => {
  const { sockets, connections } = pool();
  const request = taken(connections);
  sockets[0]?.push('HTTP/1.1 200 OK\r\n\r\na');
  await turn();
  sockets[0]?.push('b');
  sockets[0]?.push(null);
  await turn();
  assert.deepEqual(request.heard, ['200', 'a', '…', 'b', '…', 'end']);
});

// Which connection makes room when there is one too many.
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { Connections } from '../../src/http/connections.ts';

function bench(max: number) {
  const connections = new Connections(max);
  const open = (count = 1) => {
    const sockets = Array.from({ length: count }, () => new Socket());
    for (const socket of sockets) connections.add(socket);
    return sockets;
  };
  const one = () => open()[0] ?? assert.fail();
  /** A request on the connection; returns its answer. */
  const ask = (socket: Socket): ServerResponse => {
    const response = new ServerResponse(new IncomingMessage(socket));
    assert.ok(connections.answering(socket, response));
    return response;
  };
  const guest = () => {
    const socket = one();
    const response = ask(socket);
    connections.hold(socket);
    response.emit('close');
    return socket;
  };
  return { connections, open, one, ask, guest };
}

const cut = (sockets: readonly Socket[]) => sockets.map(({ destroyed }) => destroyed);

test('a refused stranger makes room first, also while it is answered', () => {
  const { connections, open, one, ask } = bench(3);
  const [idle, refused] = [one(), one()];
  ask(refused);
  connections.leave(refused);
  open(2);
  assert.deepEqual(cut([idle, refused]), [false, true]);
});

test('a request that was not let in holds no connection', () => {
  const { open, one, ask } = bench(2);
  const asking = one();
  ask(asking);
  open(2);
  assert.ok(asking.destroyed);
});

test('a request that was let in holds its connection; without another, the new one is closed', () => {
  const { connections, one, ask } = bench(1);
  const held = one();
  const response = ask(held);
  connections.hold(held);
  const late = one();
  assert.deepEqual(cut([held, late]), [false, true]);
  response.emit('close');
  one();
  assert.ok(held.destroyed);
});

test('a flood of strangers closes no connection that waits between two files of a producer', () => {
  const { open, guest } = bench(4);
  const producer = guest();
  open(100);
  assert.ok(!producer.destroyed);
});

test('producers that keep all connections open let a newcomer send its first request', () => {
  const { one, guest } = bench(4);
  const producers = [guest(), guest(), guest(), guest()];
  const newcomers = [one(), one()];
  assert.deepEqual(cut([...producers, ...newcomers]), [true, true, false, false, false, false]);
});

test('at most 32 refused strangers are left to read their answer', () => {
  const { connections, open, ask } = bench(100);
  const strangers = open(40);
  for (const stranger of strangers) {
    ask(stranger);
    connections.leave(stranger);
  }
  assert.equal(connections.size, 32);
  assert.deepEqual(cut(strangers.slice(6, 10)), [true, true, false, false]);
});

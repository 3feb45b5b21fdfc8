import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectionOf, readRows, readSendQueues, type SendQueue } from '../../src/transport/send-queues.ts';

// As Linux 6.18 writes them: a listener, a connection that holds 0x1a2b3 bytes, one whose window is closed, one idle.
const TABLE =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:238C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 37536 1 0000000010fe0141 100 0 0 10 0
   1: 0200010A:B485 01004D0A:238C 01 0001A2B3:00000000 01:00000012 00000000   990        0 38048 3 0000000076149c43 24 4 30 10 -1
   2: 0200010A:B486 01004D0A:238C 01 00010000:00000000 04:00000C12 00000002   990        0 38049 3 0000000076149c44 24 4 30 10 -1
   3: 0200010A:B487 01004D0A:238C 01 00000000:00000000 00:00000000 00000000   990        0 38050 1 0000000076149c45 24 4 30 10 -1
`.split('\n');

function queuesOf(...wanted: string[]): Map<string, SendQueue> {
  const queues = new Map<string, SendQueue>();
  readRows(TABLE, new Set(wanted), queues);
  return queues;
}

test('tells what the kernel holds of the connections that are asked about, and of no other', () => {
  assert.deepEqual(
    [...queuesOf('46213 9100', '46215 9100')],
    [
      ['46213 9100', { bytes: 0x1a2b3, isClosed: false }],
      ['46215 9100', { bytes: 0, isClosed: false }],
    ],
  );
});

test('tells when the other side takes no more', () => {
  assert.deepEqual(queuesOf('46214 9100').get('46214 9100'), { bytes: 65_536, isClosed: true });
});

test('a row of IPv6 is read like one of IPv4', () => {
  const queues = new Map<string, SendQueue>();
  const row =
    '   0: 00000000000000000000000001000000:238C 00000000000000000000000001000000:BB01 01 00000FFF:00000000 01:0 0';
  readRows([row], new Set(['9100 47873']), queues);
  assert.equal(queues.get('9100 47873')?.bytes, 4_095);
});

for (const host of ['127.0.0.1', '::1'])
  test(`finds what a real connection to ${host} has not delivered`, {
    skip: process.platform !== 'linux',
  }, async (t) => {
    const server = createServer((socket) => socket.pause()).listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const socket: Socket = createConnection(address.port, host);
    t.after(() => {
      socket.destroy();
      server.close();
    });
    await once(socket, 'connect');
    const name = connectionOf(socket);
    assert.ok(name !== undefined);
    assert.deepEqual((await readSendQueues([socket])).get(name), { bytes: 0, isClosed: false });
    // More than the buffers of both sides take.
    socket.write(Buffer.alloc(64 * 1024 ** 2));
    let held = 0;
    while (held === 0) held = (await readSendQueues([socket])).get(name)?.bytes ?? 0;
    assert.ok(held > 0);
  });

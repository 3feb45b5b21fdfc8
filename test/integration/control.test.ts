// The control socket when the daemon cannot answer: nobody who asks may wait for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fetchSnapshot, serveControl } from '../../src/view/control.ts';

/** A connection to a socket that `serve` may serve; it times out soon. */
async function connected(t: TestContext, serve: (server: Server) => unknown) {
  const folder = await mkdtemp(join(tmpdir(), 'halfpipe-control-'));
  const server = createServer();
  serve(server);
  server.listen(join(folder, 'control.sock'));
  await once(server, 'listening');
  const connection = connect({ path: join(folder, 'control.sock'), timeout: 200 });
  t.after(async () => {
    connection.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  await once(connection, 'connect');
  return connection;
}

test('a daemon that never answers is given up', async (t) => {
  const connection = await connected(t, () => undefined);
  await assert.rejects(fetchSnapshot(connection), /the daemon does not answer/);
});

test('a daemon that has nothing to tell yet resets the connection', async (t) => {
  const connection = await connected(t, (server) => serveControl(server, () => undefined));
  await assert.rejects(fetchSnapshot(connection), { code: 'ECONNRESET' });
});

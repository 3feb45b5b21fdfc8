// The control socket when the daemon cannot answer: nobody who asks may wait for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { redactorOf } from '../../src/system/redact.ts';
import { fetchSnapshot, serveControl } from '../../src/view/control.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';

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

const redact = redactorOf({
  AWS_SECRET_ACCESS_KEY: 'a secret with "quotes"',
  AWS_SESSION_TOKEN: 'token-of-a-role',
});

test('a daemon that never answers is given up', async (t) => {
  const connection = await connected(t, () => undefined);
  await assert.rejects(fetchSnapshot(connection), /the daemon does not answer/);
});

test('a daemon that has nothing to tell yet resets the connection', async (t) => {
  const connection = await connected(t, (server) =>
    serveControl(server, { snapshot: () => undefined, redact }),
  );
  await assert.rejects(fetchSnapshot(connection), { code: 'ECONNRESET' });
});

test('no text of a status holds a secret, whatever the store has said', async (t) => {
  const waitingFor = 'InvalidToken: token-of-a-role, signed with a secret with "quotes" //a", "x@y" is over';
  const snapshot = () => ({ waitingFor, uptimeMs: 5, link: null }) as unknown as Snapshot;
  const connection = await connected(t, (server) => serveControl(server, { snapshot, redact }));
  assert.deepEqual(await fetchSnapshot(connection), {
    waitingFor: 'InvalidToken: [redacted], signed with [redacted] //a", "x@y" is over',
    uptimeMs: 5,
    link: null,
  });
});

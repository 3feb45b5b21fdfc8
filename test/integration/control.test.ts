// The control socket when the daemon cannot answer: nobody who asks may wait for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fetchHistory, fetchList, fetchSnapshot, giveOrder } from '../../src/control/control-client.ts';
import { type ControlledDaemon, serveControl } from '../../src/control/control-server.ts';
import { redactorOf } from '../../src/system/redact.ts';
import { showing } from '../support/snapshot-fixture.ts';

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
    serveControl(server, { daemon: () => undefined, redact }),
  );
  await assert.rejects(fetchSnapshot(connection), { code: 'ECONNRESET' });
});

test('no text of a status holds a secret, whatever the store has said', async (t) => {
  const waitingFor = 'InvalidToken: token-of-a-role, signed with a secret with "quotes" //a", "x@y" is over';
  const daemon = () => showing({ waitingFor, uptimeMs: 5, link: null });
  const connection = await connected(t, (server) => serveControl(server, { daemon, redact }));
  assert.deepEqual(await fetchSnapshot(connection), {
    waitingFor: 'InvalidToken: [redacted], signed with [redacted] //a", "x@y" is over',
    uptimeMs: 5,
    link: null,
  });
});

test('lists and orders are answered, and what cannot be is refused with a reason', async (t) => {
  const asked: unknown[] = [];
  const daemon: ControlledDaemon = {
    ...showing({}),
    list: async (list, limit) => {
      asked.push([list, limit]);
      return { list, files: [], total: 0 };
    },
    obey: async (order) => {
      asked.push(order);
      return { text: 'done', warning: null };
    },
  };
  const connect = () => connected(t, (server) => serveControl(server, { daemon: () => daemon, redact }));
  assert.deepEqual(await fetchList(await connect(), 'deferred', 5), {
    list: 'deferred',
    files: [],
    total: 0,
  });
  assert.equal((await giveOrder(await connect(), { order: 'rescan' })).text, 'done');
  assert.equal((await fetchHistory(await connect(), 60_000)).stepMs, 1_000);
  assert.deepEqual(asked, [['deferred', 5], { order: 'rescan' }]);
  await assert.rejects(
    giveOrder(await connect(), { order: 'dance' } as never),
    /order must be pause, resume/,
  );
  await assert.rejects(fetchList(await connect(), 'deferred', 0), /limit must be a whole number above 0/);
  await assert.rejects(fetchList(await connect(), 'lost' as never, 5), /there is no GET \/list\/lost/);
});

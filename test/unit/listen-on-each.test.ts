// What an operator reads about a place that cannot be listened on. Root may use each port, so the refusal is acted.
import assert from 'node:assert/strict';
import { Server } from 'node:net';
import { test } from 'node:test';
import { listenOnEach } from '../../src/http/listen-on-each.ts';
import { INGEST_LISTEN } from '../../src/ingest/ingest-options.ts';
import { Fault } from '../../src/system/fault.ts';

class RefusedServer extends Server {
  override listen(): this {
    queueMicrotask(() => this.emit('error', Object.assign(new Error('listen'), { code: 'EACCES' })));
    return this;
  }
}

for (const [at, hint] of [
  [{ setting: 'observe.listen', port: 80 }, 'Set observe.listen to a higher port, such as 8080'],
  [
    { ...INGEST_LISTEN, port: 443 },
    'Set ingest.listen to a higher port, such as 8443, or to systemd, which opens any port: the example halfpipe-ingest.socket says how',
  ],
] as const)
  test(`a port that is for root is told with the ports that ${at.setting} may have`, async () => {
    const listening = listenOnEach({ ...at, addresses: ['127.0.0.1'] }, () => new RefusedServer());
    await assert.rejects(listening, (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /ports below 1024 are for root/);
      assert.equal(error.hint, hint);
      return true;
    });
  });

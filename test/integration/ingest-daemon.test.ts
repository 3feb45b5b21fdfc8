// The whole daemon with ingest on: a file that arrives over HTTP goes the way of all files.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { formatTokens } from '../../src/ingest/token-list.ts';
import type { Config } from '../support/daemon-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { ingesting } from '../support/ingest-fixture.ts';

suite('a daemon that takes files over HTTP', { concurrency: true }, () => {
  test('uploads them as all others, and says from which token they came', async (t) => {
    const { fixture, put } = await ingesting(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    assert.equal(await put('in/a.txt', 'one'), 201);
    await daemon.says('uploaded');
    assert.equal(String(await fixture.object('in/a.txt')), 'one');
    await fixture.untilDrained(['in']);
    assert.equal(await put('in/a.txt', 'one'), 201);
    await daemon.stop();
    assert.equal(daemon.of('ingested').at(-1)?.tokenName, 'camera');
    assert.deepEqual(await fixture.kept(), []);
  });

  test('begins, moves and ends with a reload', async (t) => {
    const { fixture, port, put, config, tokensFile } = await ingesting(t);
    const off = { spool: { settle: '0 s' } };
    await fixture.configure(off);
    const daemon = fixture.start();
    await daemon.says('ready');
    await assert.rejects(put('in/a.txt', 'one'));
    const reload = async (next: Config) => {
      await fixture.configure(next);
      const before = daemon.of('reloaded').length;
      daemon.signal('SIGHUP');
      await fixture.until('it is reloaded', () => daemon.of('reloaded').length > before);
    };
    await reload(config);
    assert.equal(await put('in/a.txt', 'one'), 201);
    const other = await freePort();
    await reload({ ...off, ingest: { listen: other, tokensFile } });
    assert.equal(await put('in/b.txt', 'two', other), 201);
    await assert.rejects(put('in/c.txt', 'three', port));
    await reload(off);
    await assert.rejects(put('in/c.txt', 'three', other));
    await fixture.untilDrained(['in']);
    assert.deepEqual(fixture.keys(), ['in/a.txt', 'in/b.txt']);
  });

  test('drains without ingest while its port is taken, and takes files once it is free', async (t) => {
    const { fixture, port, put } = await ingesting(t);
    const taken = createServer().listen(port, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    await fixture.put('local.txt', 'by hand');
    const daemon = fixture.start();
    await daemon.says('ingestDown');
    await fixture.untilDrained();
    taken.close();
    await daemon.says('ingestBack');
    assert.equal(await put('in/a.txt', 'one'), 201);
  });

  test('lets a revoked token in no more, without a reload', async (t) => {
    const { fixture, put, tokensFile } = await ingesting(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    assert.equal(await put('in/a.txt', 'one'), 201);
    await writeFile(tokensFile, formatTokens([]));
    assert.equal(await put('in/b.txt', 'two'), 401);
  });
});

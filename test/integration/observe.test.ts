// `observe.listen` on a real daemon: off unless set, what it answers, and its life through reloads.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Observation } from '../../src/observe/observation.ts';
import { systemClock } from '../../src/system/clock.ts';
import { redactorOf } from '../../src/system/redact.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { type Config, DaemonFixture, type DaemonRun } from '../support/daemon-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { httpGet } from '../support/http-get.ts';
import { idOf, seriesOf } from '../support/metrics-page.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';

async function observed(t: TestContext, more: Config = {}) {
  const port = await freePort();
  const fixture = await DaemonFixture.create(t, { observe: { listen: port }, ...more });
  return { fixture, port, url: `http://127.0.0.1:${port}` };
}

async function reload(daemon: DaemonRun, event: string): Promise<void> {
  const before = daemon.of(event).length;
  daemon.signal('SIGHUP');
  await daemon.says(
    event,
    (record) => daemon.of(event).indexOf(record) < 0 && daemon.of(event).length > before,
  );
}

const closed = (url: string) => assert.rejects(httpGet(url), { code: 'ECONNREFUSED' });

describe('the listener', { concurrency: 4 }, () => {
  test('is off unless it is set', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    assert.deepEqual(daemon.of('observing'), []);
  });

  test('answers on both loopback addresses alone when a port is set', async (t) => {
    const { fixture, port, url } = await observed(t);
    const daemon = fixture.start();
    const { msg, urls, level } = await daemon.says('observing');
    await daemon.says('ready');
    assert.deepEqual([urls, level], [[url, `http://[::1]:${port}`], 'info']);
    assert.equal(msg, `page and metrics are at ${url} and http://[::1]:${port}`);
    assert.equal((await httpGet(`http://[::1]:${port}/`)).status, 200);
    assert.equal((await httpGet(`http://localhost:${port}/`)).status, 200);
    assert.equal((await httpGet(url, { Host: 'evil.example' })).status, 421);
    assert.equal(await daemon.stop(), 0);
    await closed(url);
  });

  test('/status.json is the snapshot that the control socket shows', async (t) => {
    const { fixture, url } = await observed(t);
    const daemon = fixture.start();
    await fixture.put('drained', 'x');
    await fixture.untilDrained();
    await fixture.until(
      'the count is right',
      async () => (await fixture.snapshot()).totals.deletedFiles === 1,
    );
    const { status, headers, body } = await httpGet(`${url}/status.json`);
    assert.deepEqual([status, headers['content-type']], [200, 'application/json']);
    const [{ uptimeMs, ...shown }, { uptimeMs: _, ...told }] = [JSON.parse(body), await fixture.snapshot()];
    assert.ok(uptimeMs > 0);
    assert.deepEqual(Object.keys(shown), Object.keys(told));
    assert.deepEqual([shown.pid, shown.totals], [daemon.pid, told.totals]);
  });

  test('/metrics moves with the daemon, and equals the snapshot of the same moment', async (t) => {
    const { fixture, url } = await observed(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const scrape = async () => {
      const { body } = await httpGet(`${url}/metrics`);
      return new Map(seriesOf(body).map((series) => [idOf(series), series.value]));
    };
    const fresh = await scrape();
    assert.equal(fresh.get('halfpipe_deleted_files_total'), 0);
    for (const name of ['a', 'b', 'c']) await fixture.put(name, 'x'.repeat(1000));
    await symlink('/etc', join(fixture.spool, 'link'));
    await fixture.until('all is counted', async () => {
      const { state, totals, backlog } = await fixture.snapshot();
      return state === 'idle' && totals.deletedFiles === 3 && backlog.skipped.length === 1;
    });
    const { totals, backlog, link, uploads } = await fixture.snapshot();
    const page = await scrape();
    const expected = {
      'halfpipe_state{state="idle"}': 1,
      halfpipe_healthy: 1,
      halfpipe_deleted_files_total: totals.deletedFiles,
      halfpipe_uploaded_files_total: totals.uploadedFiles,
      halfpipe_uploaded_bytes_total: totals.uploadedBytes,
      halfpipe_backlog_files: backlog.files,
      halfpipe_quarantine_files: backlog.quarantined,
      'halfpipe_skipped_entries{kind="symbolic link"}': 1,
      halfpipe_uploads_limit: uploads.limit,
      halfpipe_link_target_bytes_per_second: (link?.targetBitsPerSec ?? 0) / 8,
      'halfpipe_link_info{interface="lo"}': 1,
    };
    for (const [id, value] of Object.entries(expected)) assert.equal(page.get(id), value, id);
    assert.equal(page.get('halfpipe_uploaded_bytes_total'), 3000);
    assert.ok((page.get('halfpipe_uptime_seconds') ?? 0) > (fresh.get('halfpipe_uptime_seconds') ?? 0));
    assert.ok((page.get('process_cpu_seconds_total') ?? 0) > (fresh.get('process_cpu_seconds_total') ?? 1));
    assert.ok((page.get('process_resident_memory_bytes') ?? 0) > 30e6);
    const startedAt = page.get('process_start_time_seconds') ?? 0;
    assert.ok(Math.abs(startedAt - Date.now() / 1000) < 120, `${startedAt}`);
  });

  test('halfpipe metrics prints the same series without a listener, and 0 when no daemon answers', async (t) => {
    const { fixture, url } = await observed(t);
    const print = async () => {
      const command = fixture.command(['metrics', '--config', fixture.configFile]);
      assert.equal(await command.exit, 0, command.stderr);
      return seriesOf(command.stdout);
    };
    assert.deepEqual(await print(), [{ name: 'halfpipe_up', labels: { unit: 'halfpipe' }, value: 0 }]);
    const daemon = fixture.start();
    await daemon.says('ready');
    const hasRates = async () => (await fixture.snapshot()).backlog.flow.lastMinute !== null;
    await fixture.until('the rates are known', hasRates);
    const { body } = await httpGet(`${url}/metrics`);
    const ofDaemon = seriesOf(body).filter(({ name }) => !name.startsWith('process_'));
    const printed = await print();
    assert.deepEqual(new Set(printed.map(idOf)), new Set(ofDaemon.map(idOf)));
    assert.equal(printed.find(({ name }) => name === 'halfpipe_up')?.value, 1);
    assert.equal(await daemon.stop(), 0);
    await rm(fixture.spool, { recursive: true });
    const lost = fixture.command(['metrics', '--config', fixture.configFile]);
    assert.deepEqual([await lost.exit, lost.stdout], [1, '']);
    assert.match(lost.stderr, /the spool .* does not exist: check spool\.path in/);
  });

  test('/ is the page: its own files alone, and no script or style in it', async (t) => {
    const { fixture, url } = await observed(t);
    await fixture.start().says('ready');
    const { status, headers, body } = await httpGet(`${url}/`);
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8']);
    assert.equal(
      headers['content-security-policy'],
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    assert.deepEqual(
      [headers['x-content-type-options'], headers['x-frame-options'], headers['cache-control']],
      ['nosniff', 'DENY', 'no-store'],
    );
    const files = [...body.matchAll(/(?:href|src)="(\/[^"]+\.(?:js|css|svg))"/g)].map(([, path]) => path);
    assert.deepEqual(files.sort(), ['/icon.svg', '/page.css', '/page.js']);
    assert.doesNotMatch(body, /style=|<style|<script>| on\w+=|https?:/);
    for (const path of files) assert.equal((await httpGet(`${url}${path}`)).status, 200, path);
  });

  test('/events tells pages what has changed, and ends with the daemon', async (t) => {
    const { fixture, url } = await observed(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const answer = await fetch(`${url}/events`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    let shown: Record<string, unknown> = {};
    const receive = async () => {
      const { value = '', done } = (await reader?.read()) ?? { done: true };
      text += value;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, data = '{}'] = /^data: (.*)$/m.exec(text.slice(0, end)) ?? [];
        shown = { ...shown, ...JSON.parse(data) };
        text = text.slice(end + 2);
      }
      return !done;
    };
    await receive();
    const { words, rows, lists, settings, ...snapshot } = shown;
    assert.deepEqual(Object.keys(snapshot), Object.keys(await fixture.snapshot()));
    const path = Array.isArray(settings) ? settings.find(({ key }) => key === 'spool.path') : undefined;
    assert.deepEqual(path, { key: 'spool.path', value: fixture.spool, origin: `${fixture.configFile}:1` });
    await fixture.put('drained', 'x');
    const isTold = () => JSON.stringify(shown.totals).includes('"deletedFiles":1');
    while (!isTold()) assert.ok(await receive());
    await daemon.stop();
    await assert.rejects(async () => {
      while (await receive());
      throw new Error('ended');
    });
  });

  test('/history has the last ten minutes by the second, and the last day by the minute', async (t) => {
    const { fixture, url } = await observed(t);
    await fixture.start().says('ready');
    const historyOf = async (span: string) => JSON.parse((await httpGet(`${url}/history/${span}.json`)).body);
    const isKnown = async () =>
      (await historyOf('10-minutes')).series.totalBitsPerSec.some((rate: unknown) => rate !== null);
    await fixture.until('a second is over', isKnown);
    const { stepMs, series } = await historyOf('10-minutes');
    assert.equal(stepMs, 1_000);
    assert.equal(series.capacityBitsPerSec.at(-1), 10e9);
    assert.equal((await historyOf('day')).stepMs, 60_000);
  });

  test('/healthz is 200 while files can be drained, and 503 with the reason while they cannot', async (t) => {
    const { fixture, url } = await observed(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const health = async () => {
      const { status, body } = await httpGet(`${url}/healthz`);
      return `${status} ${body}`;
    };
    await fixture.until('it is idle', async () => (await health()) === '200 idle\n');
    await fixture.stopServer();
    await fixture.put('stuck', 'x');
    await fixture.until('it is paused', async () => /^503 paused\ndegraded: .*connect/.test(await health()));
    await fixture.startServer();
    await fixture.until('it is idle again', async () => (await health()) === '200 idle\n');
  });

  test('shows no secret, whatever the store has said', async (t) => {
    const waitingFor = 'InvalidToken: the-secret-of-the-store is over';
    const problems = [{ kind: 'store', severity: 'degraded', message: waitingFor, remedy: null }];
    const snapshot = () => ({ state: 'paused', problems, waitingFor, link: null }) as unknown as Snapshot;
    const redact = redactorOf({ AWS_SECRET_ACCESS_KEY: 'the-secret-of-the-store' });
    const observation = new Observation({
      ...{ clock: systemClock, snapshot, redact, shownOptions: () => [], onEvent: () => undefined },
      history: () => assert.fail('not asked'),
      list: () => assert.fail('not asked'),
    });
    const port = await freePort();
    const listen = { addresses: ['127.0.0.1'], port };
    t.after(() => observation.stop());
    await observation.start({ listen, tokenFile: undefined, hosts: [] });
    for (const path of ['/status.json', '/healthz']) {
      const { body } = await httpGet(`http://127.0.0.1:${port}${path}`);
      assert.match(body, /InvalidToken: \[redacted\] is over/);
    }
  });

  test('with a token lets in only clients that know it; a reload reads it again', async (t) => {
    const { fixture, port, url } = await observed(t);
    const tokenFile = join(fixture.base, 'token');
    await writeFile(tokenFile, `${TOKEN}\n`);
    await fixture.configure({ observe: { listen: port, tokenFile } });
    const daemon = fixture.start();
    await daemon.says('ready');
    const statusWith = async (token: string) =>
      (await httpGet(`${url}/status.json`, { Authorization: `Bearer ${token}` })).status;
    assert.equal((await httpGet(`${url}/status.json`)).status, 401);
    assert.equal(await statusWith(TOKEN), 200);
    const renewed = TOKEN.replaceAll('0', 'f');
    await writeFile(tokenFile, renewed);
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    assert.deepEqual([await statusWith(TOKEN), await statusWith(renewed)], [401, 200]);
    await writeFile(tokenFile, 'short');
    daemon.signal('SIGHUP');
    const { problem } = await daemon.says('reloadRefused');
    assert.match(
      String(problem),
      /cannot use the token in .*token \(observe\.tokenFile\): it is not 16 to 512 .*openssl rand -hex 32 >/,
    );
    assert.equal(await statusWith(renewed), 200);
  });

  test('on the network without a token is a warning', async (t) => {
    const { fixture, port } = await observed(t);
    await fixture.configure({ observe: { listen: `0.0.0.0:${port}` } });
    const { msg, level } = await fixture.start().says('observing');
    assert.equal(level, 'warn');
    assert.match(String(msg), /every client on the network may read .* set observe\.tokenFile/);
  });

  test('is tried out by check: the port, the token, and whether it is open to the network', async (t) => {
    const { fixture, port } = await observed(t);
    const check = async () => {
      const command = fixture.command(['check', '--config', fixture.configFile]);
      const code = await command.exit;
      return `${code} ${/^(.*) +observe (.*)$/m.exec(command.stdout)?.slice(1).join('')}`;
    };
    assert.match(
      await check(),
      /^0 ok +http:\/\/127\.0\.0\.1:\d+ and http:\/\/\[::1\]:\d+: for this machine alone$/,
    );
    await fixture.configure({ observe: { listen: `0.0.0.0:${port}` } });
    assert.match(await check(), /^0 WARN.*every client on the network may read it: set observe\.tokenFile$/);
    await fixture.configure({ observe: { listen: port, tokenFile: join(fixture.base, 'none') } });
    assert.match(await check(), /^1 FAIL.*cannot use the token in .*: no such file\. Make one with/);
    await fixture.configure({ observe: { listen: port } });
    const daemon = fixture.start();
    await daemon.says('ready');
    assert.match(await check(), /^0 ok +http:\/\/127\.0\.0\.1:\d+: for this machine alone$/);
    await daemon.stop();
    const taken = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    assert.match(
      await check(),
      /^1 FAIL.*cannot listen on 127\.0\.0\.1:\d+ \(observe\.listen\): another program/,
    );
  });

  test('a port in use is told, keeps no file from being drained, and is opened once it is free', async (t) => {
    const { fixture, port, url } = await observed(t);
    const taken = createServer().listen(port, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const daemon = fixture.start();
    const { msg } = await daemon.says('observeDown');
    assert.match(
      String(msg),
      /^metrics and page are not served, and it is tried again: cannot listen on 127\.0\.0\.1:\d+ \(observe\.listen\): another program .* Find it with ss -ltnp/,
    );
    await daemon.says('ready');
    const isProblem = async () => (await fixture.snapshot()).problems.some(({ kind }) => kind === 'observe');
    assert.ok(await isProblem());
    taken.close();
    await daemon.says('observeBack');
    assert.ok(!(await isProblem()));
    assert.equal((await httpGet(`${url}/healthz`)).status, 200);
  });

  test('a token that cannot be read is told with its file, and lets no client in', async (t) => {
    const { fixture, port, url } = await observed(t);
    const tokenFile = join(fixture.base, 'none');
    await fixture.configure({ observe: { listen: port, tokenFile } });
    const daemon = fixture.start();
    const { msg } = await daemon.says('observeDown');
    assert.match(
      String(msg),
      /cannot use the token in .*none \(observe\.tokenFile\): no such file\. Make one with/,
    );
    await closed(url);
    await writeFile(tokenFile, TOKEN);
    await daemon.says('observeBack');
    assert.equal((await httpGet(`${url}/status.json`)).status, 401);
  });

  test('is switched on, moved and switched off by a reload', async (t) => {
    const { fixture, port, url } = await observed(t);
    await fixture.configure({});
    const daemon = fixture.start();
    await daemon.says('ready');
    await closed(url);
    await fixture.configure({ observe: { listen: port } });
    await reload(daemon, 'reloaded');
    assert.equal((await httpGet(`${url}/status.json`)).status, 200);
    // All addresses, at the same port.
    await fixture.configure({ observe: { listen: `0.0.0.0:${port}` } });
    await reload(daemon, 'reloaded');
    assert.equal((await httpGet(`http://127.0.0.2:${port}/status.json`)).status, 200);
    const other = await freePort();
    await fixture.configure({ observe: { listen: other } });
    await reload(daemon, 'reloaded');
    assert.equal((await httpGet(`http://127.0.0.1:${other}/status.json`)).status, 200);
    await closed(url);
    await fixture.configure({});
    await reload(daemon, 'reloaded');
    await closed(`http://127.0.0.1:${other}`);
    assert.equal(daemon.of('observing').at(-1)?.msg, 'observe.listen is off: its port is closed');
  });

  test('a reload to a port in use, or with another refused change, leaves it where it was', async (t) => {
    const { fixture, port, url } = await observed(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const address = taken.address();
    const used = typeof address === 'object' ? address?.port : undefined;
    const refused = async (config: Config) => {
      await fixture.configure(config);
      await reload(daemon, 'reloadRefused');
      assert.equal((await httpGet(`${url}/status.json`)).status, 200);
    };
    await refused({ observe: { listen: used } });
    assert.match(String(daemon.of('reloadRefused').at(-1)?.problem), /another program listens there/);
    await refused({ observe: { listen: `203.0.113.9:${port}` } });
    const free = await freePort();
    await refused({ observe: { listen: free }, link: { interface: 'none0' } });
    await closed(`http://127.0.0.1:${free}`);
    await refused({ observe: { listen: `0.0.0.0:${port}` }, link: { interface: 'none0' } });
    assert.deepEqual(daemon.of('observing').length, 1);
  });
});

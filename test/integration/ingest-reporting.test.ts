// What a real daemon tells about files that arrive over HTTP: everywhere the same.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { digestOf, makeToken } from '../../src/ingest/token.ts';
import { formatTokens } from '../../src/ingest/token-list.ts';
import { METRICS } from '../../src/observe/metric-table.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { idOf, seriesOf } from '../support/metrics-page.ts';

/** A daemon whose store does not answer, so that what arrives stays in the spool. */
async function ingesting(t: TestContext, limits: object = {}) {
  const fixture = await DaemonFixture.create(t);
  await fixture.stopServer();
  const port = await freePort();
  const tokensFile = join(fixture.base, 'tokens.json');
  await fixture.configure({ ingest: { listen: port, tokensFile, ...limits } });
  const text = makeToken();
  const stored = {
    name: 'camera-7',
    prefix: '',
    sha256: digestOf(text),
    createdMs: 0,
    expiresAtMs: undefined,
  };
  await writeFile(tokensFile, formatTokens([stored]));
  const put = async (name: string, body: string, token = text) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${port}/v1/files/${name}`, { method: 'PUT', headers, body });
    await answer.text();
    return answer.status;
  };
  const told = async (...words: string[]) => {
    const run = fixture.command([...words, '--config', fixture.configFile]);
    await run.exit;
    return run.stdout;
  };
  return { fixture, port, put, told, text };
}

async function untilProblem(fixture: DaemonFixture, kind: ProblemView['kind']): Promise<ProblemView> {
  let found: ProblemView | undefined;
  await fixture.until(`there is a problem ${kind}`, async () => {
    found = (await fixture.snapshot()).problems.find((problem) => problem.kind === kind);
    return found !== undefined;
  });
  return found ?? assert.fail(kind);
}

suite('what is told about files over HTTP', { concurrency: true }, () => {
  test('what came and what was refused is the same in the log, status --json, the metrics and status', async (t) => {
    const { fixture, put, told, text } = await ingesting(t);
    const daemon = fixture.start();
    await daemon.says('ingestListening');
    assert.equal(await put('a.jpg', 'hello'), 201);
    assert.equal(await put('a.jpg', 'hello'), 200);
    assert.equal(await put('a.jpg', 'other'), 409);
    assert.equal(await put('b.jpg', 'hello', makeToken()), 401);
    await fixture.until(
      'all are counted',
      async () => (await fixture.snapshot()).ingest?.refused.unauthorized === 1,
    );

    const { ingest }: Snapshot = JSON.parse(await told('status', '--json'));
    assert.ok(ingest);
    assert.deepEqual(ingest.accepted, {
      created: { files: 1, bytes: 5 },
      same: { files: 1, bytes: 5 },
      replaced: { files: 0, bytes: 0 },
    });
    const refused = Object.entries(ingest.refused).filter(([, count]) => count > 0);
    assert.deepEqual(Object.fromEntries(refused), { unauthorized: 1, 'name-taken': 1 });
    assert.match(
      await told('status'),
      /^ {2}ingest .*; 2 files \(10 B\) accepted, the last \d+ s ago; .*2 refused \(/m,
    );

    const series = new Map(seriesOf(await told('metrics')).map((one) => [idOf(one), one.value]));
    const snapshot = { ...(await fixture.snapshot()), ingest };
    for (const { name, samples, labels } of METRICS.filter(({ name }) => /_ingest_.*_total$/.test(name)))
      for (const sample of samples(snapshot)) {
        const [label] = labels;
        const id = label === undefined ? name : `${name}{${label}="${sample.labels[label]}"}`;
        if (name !== 'halfpipe_ingest_received_bytes_total') assert.equal(series.get(id), sample.value, id);
      }

    const { msg, tokenName, file } = await daemon.says(
      'ingestRefused',
      ({ problem }) => problem === 'name-taken',
    );
    assert.match(
      String(msg),
      /^refused a\.jpg with the token camera-7 from .*127\.0\.0\.1.*: 409 name-taken: /,
    );
    assert.deepEqual([tokenName, file], ['camera-7', 'a.jpg']);
    assert.equal(await daemon.stop(), 0);
    const [line] = daemon.of('ingested');
    assert.deepEqual([line?.tokenName, line?.file, line?.level], ['camera-7', ['a.jpg', 'a.jpg'], 'info']);
    assert.ok(
      !daemon.records.some((record) => JSON.stringify(record).includes(text)),
      'the token is in the log',
    );
  });

  test('a backlog at its limit is a problem that says so, and a figure', async (t) => {
    const { fixture, put } = await ingesting(t, { backlogLimit: { files: 2 } });
    const daemon = fixture.start();
    await daemon.says('ingestListening');
    let status = 0;
    for (let at = 0; at < 100 && status !== 429; at += 1) status = await put(`${at}.jpg`, 'hello');
    assert.equal(status, 429);
    const { message, remedy, severity } = await untilProblem(fixture, 'ingest-waits');
    assert.match(message, /^producers are asked to wait, because the backlog is at its limit: .*2 /);
    assert.match(remedy ?? '', /ingest\.backlogLimit/);
    assert.equal(severity, 'notice');
    assert.ok((await fixture.snapshot()).ingest?.asksToWait);
  });

  test('a port that is taken is a problem with its remedy, until it is free', async (t) => {
    const { fixture, port, put } = await ingesting(t);
    const taken = createServer().listen(port, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const daemon = fixture.start();
    const down = await daemon.says('ingestDown');
    assert.match(String(down.msg), /^no file is received over HTTP, and it is tried again: /);
    const { message, remedy } = await untilProblem(fixture, 'ingest');
    assert.match(message, /^no file is received over HTTP: .*ingest\.listen/);
    assert.match(remedy ?? '', /ingest\.listen|ss -/);
    assert.equal((await fixture.snapshot()).ingest?.isUp, false);
    taken.close();
    const { msg } = await daemon.says('ingestBack');
    assert.match(String(msg), /^files are received over HTTP at /);
    assert.equal(await put('a.jpg', 'hello'), 201);
    assert.equal((await fixture.snapshot()).ingest?.isUp, true);
  });

  test('a tokens file that cannot be read is a problem that names it, until it can be', async (t) => {
    const { fixture, put, text } = await ingesting(t);
    const daemon = fixture.start();
    await daemon.says('ingestListening');
    const file = join(fixture.base, 'tokens.json');
    await writeFile(file, 'no list of tokens');
    assert.equal(await put('a.jpg', 'hello'), 503);
    const { message, remedy } = await untilProblem(fixture, 'ingest-tokens');
    assert.match(message, /tokens cannot be checked: .*tokens\.json/);
    assert.match(remedy ?? '', /ingest\.tokensFile/);
    const stored = { name: 'c', prefix: '', sha256: digestOf(text), createdMs: 0, expiresAtMs: undefined };
    await writeFile(file, formatTokens([stored]));
    assert.equal(await put('a.jpg', 'hello'), 201);
    await fixture.until('it is over', async () =>
      (await fixture.snapshot()).problems.every(({ kind }) => kind !== 'ingest-tokens'),
    );
  });
});

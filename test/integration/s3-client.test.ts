import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createS3Client } from '../../src/store/s3/s3-client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import type { HttpHandlerOptions, HttpRequest, RequestHandler } from '../../src/transport/http-request.ts';
import { localHandler } from '../../src/transport/local-handler.ts';
import { UNPACED } from '../../src/transport/pacer.ts';
import { DIRECT } from '../support/direct-way.ts';
import { test } from '../support/nothing-left.ts';
import { ScriptedS3 } from '../support/scripted-s3.ts';
import { SimClock } from '../support/sim-clock.ts';
import { bytesOf, sourceOf, storeAt } from '../support/store-fixture.ts';

const LIMITS = { connectTimeoutMs: 1_000, idleTimeoutMs: 2_000, deadlineMs: 10_000, maxSockets: 16 };

const never = new AbortController().signal;
const directory = mkdtempSync(join(tmpdir(), 'halfpipe-client-'));
const saved = { ...process.env };
const s3 = new ScriptedS3();

before(() => s3.start());
after(() => {
  s3.stop();
  process.env = saved;
  rmSync(directory, { recursive: true });
});

test('a new store reads the credentials file anew', async () => {
  const file = join(directory, 'credentials');
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  process.env.AWS_SHARED_CREDENTIALS_FILE = file;
  for (const key of ['first', 'second']) {
    writeFileSync(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`);
    const store = storeAt(s3, { region: undefined });
    await store.probe(never);
    store.close();
    assert.match(
      s3.requests.at(-1)?.headers.authorization ?? '',
      new RegExp(`Credential=${key}/\\d+/us-east-1/`),
    );
  }
  rmSync(file);
  await assert.rejects(storeAt(s3).probe(never), { faultClass: 'breaker', code: 'CredentialsProviderError' });
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
});

/** A credential process that hangs the first time until the test ends. */
function hangingOnce(t: TestContext) {
  const base = mkdtempSync(join(directory, 'process-'));
  const [script, asked, over, config] = ['script', 'asked', 'over', 'config'].map((name) => join(base, name));
  assert.ok(script && asked && over && config);
  const hang = `[ -e ${asked} ] || { touch ${asked}; until [ -e ${over} ]; do sleep 0.05; done; }`;
  const answer = '{"Version":1,"AccessKeyId":"of-process","SecretAccessKey":"secret"}';
  writeFileSync(script, `${hang}\necho '${answer}'\n`);
  writeFileSync(config, `[default]\ncredential_process = sh ${script}\n`);
  t.after(() => {
    writeFileSync(over, '');
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
  });
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  process.env.AWS_SHARED_CREDENTIALS_FILE = join(base, 'none');
  process.env.AWS_CONFIG_FILE = config;
  return async () => {
    while (!existsSync(asked)) await delay(5);
  };
}

// The SDK had every later request wait for that first answer, without a deadline: nothing was sent, nor told, any more.
test('a credential process that hangs once is given up after half a minute and asked anew', async (t) => {
  const hangs = hangingOnce(t);
  const clock = new SimClock();
  const store = storeAt(s3, { clock });
  t.after(() => store.close());
  const probes = [store.probe(never), store.probe(never)].map((probe) =>
    assert.rejects(probe, { faultClass: 'breaker', code: 'CredentialsTimeout', hint: /credential_process/ }),
  );
  await hangs();
  await clock.advance(30_000);
  await Promise.all(probes);
  await store.probe(never);
  assert.match(s3.requests.at(-1)?.headers.authorization ?? '', /Credential=of-process\//);
  assert.equal(clock.pending, 0);
});

test('a request that waits for credentials ends with its signal', async (t) => {
  const hangs = hangingOnce(t);
  const store = storeAt(s3, { clock: new SimClock() });
  t.after(() => store.close());
  const stop = new AbortController();
  const probe = store.probe(stop.signal);
  await hangs();
  stop.abort(new Error('stopped'));
  await assert.rejects(probe, { message: 'stopped' });
});

test('a request whose turn comes late is signed anew each time, and its connection may still break once', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) });
  const dates: (string | undefined)[] = [];
  const failures = ['ERR_SIGNATURE_AGED', 'ERR_SIGNATURE_AGED', 'ECONNRESET', 'ERR_SIGNATURE_AGED'];
  const sends = localHandler({ ...LIMITS, pacer: UNPACED, clock: systemClock, wayOut: DIRECT });
  const requestHandler = {
    metadata: sends.metadata,
    handle: async (request: HttpRequest, options: HttpHandlerOptions) => {
      dates.push(request.headers['x-amz-date']);
      const code = failures.shift();
      if (code === undefined) return sends.handle(request, options);
      t.mock.timers.tick(60_000);
      throw Object.assign(new Error('not sent'), { code });
    },
  } as unknown as RequestHandler;
  const store = storeAt(s3, { requestHandler });
  await store.probe(never);
  sends.destroy();
  const minutes = dates.map((date) => date?.slice(-5));
  assert.deepEqual(minutes, ['0000Z', '0100Z', '0200Z', '0300Z', '0400Z']);
});

test('requests leave no listener on a signal that outlives them', async () => {
  const store = storeAt(s3);
  const { signal } = new AbortController();
  await Promise.all([store.probe(signal), store.probe(signal)]);
  await store.upload({ key: 'a', source: sourceOf(bytesOf(1_000)), signal });
  store.close();
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('without endpoint and region it says which key to set', async () => {
  delete process.env.AWS_REGION;
  process.env.AWS_CONFIG_FILE = join(directory, 'none');
  const store = storeAt(s3, { region: undefined, endpoint: undefined });
  await assert.rejects(store.probe(never), { faultClass: 'breaker', code: 'NoRegion', hint: /s3\.region/ });
});

test('the chain is asked for the region until it knows one, and then no more', async () => {
  const client = createS3Client({
    requestHandler: {} as RequestHandler,
    clock: systemClock,
    region: undefined,
    endpoint: undefined,
    forcePathStyle: true,
    bucket: 'inbound',
  });
  process.env.AWS_CONFIG_FILE = join(directory, 'none');
  delete process.env.AWS_REGION;
  await assert.rejects(client.config.region(), { code: 'NoRegion' });
  for (const region of ['eu-west-1', 'eu-west-2']) {
    process.env.AWS_REGION = region;
    assert.equal(await client.config.region(), 'eu-west-1');
  }
});

test('https to a port without TLS is a breaker that says so, and not where in OpenSSL', async () => {
  const store = storeAt({ endpoint: s3.endpoint.replace('http:', 'https:') });
  await assert.rejects(store.probe(never), (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.faultClass, 'breaker');
    assert.match(error.hint ?? '', /does not speak TLS/);
    assert.match(error.message, /wrong version number$/);
    return true;
  });
  store.close();
});

test('over TLS, an untrusted certificate is a breaker that names NODE_EXTRA_CA_CERTS', async (t) => {
  const key = join(directory, 'key.pem');
  const cert = join(directory, 'cert.pem');
  const command = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost`;
  try {
    execFileSync('openssl', [...command.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  } catch {
    t.skip('openssl makes the certificate, and is not installed');
    return;
  }
  let received = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    request.once('end', () => response.setHeader('etag', '"x"').end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = { key: 'a', source: sourceOf(bytesOf(100_000)), signal: never };
  const strict = storeAt(s3, { endpoint, conflict: 'overwrite' });
  await assert.rejects(strict.upload(request), { faultClass: 'breaker', hint: /NODE_EXTRA_CA_CERTS/ });
  assert.equal(received, 0);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const trusting = storeAt(s3, { endpoint, conflict: 'overwrite' });
  const { outcome } = await trusting.upload(request);
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  assert.equal(outcome, 'stored');
  assert.equal(received, 100_000);
  strict.close();
  trusting.close();
});

// What a store refuses for the time or the key it was signed with is sent again at once when that helps, against a server
// that looks at both.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { storeAt } from '../support/store-fixture.ts';

const HOUR_MS = 3_600_000;
const FOREVER = new AbortController().signal;

interface ServerOptions {
  /** What the store's own clock is ahead of ours. */
  aheadMs?: number;
  /** What the Date of its answers is ahead of ours, where something on the way writes that. */
  dateAheadMs?: number;
  /** The one key that is taken; undefined: any. */
  keyId?: string;
}

/** Answers every request with 404, as a store does that is asked for what is not there; or refuses it. */
async function serve(t: TestContext, options: ServerOptions) {
  const seen = { requests: 0, refused: 0 };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    seen.requests += 1;
    const { aheadMs = 0, dateAheadMs = aheadMs, keyId } = options;
    response.setHeader('date', new Date(Date.now() + dateAheadMs).toUTCString());
    const refuse = (code: string, more = '') => {
      seen.refused += 1;
      response.writeHead(403).end(`<Error><Code>${code}</Code>${more}</Error>`);
    };
    const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(`${request.headers['x-amz-date']}`) ?? [];
    const signedMs = Date.parse(
      `${day}T${time}Z`.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    );
    const nowMs = Date.now() + aheadMs;
    if (Math.abs(nowMs - signedMs) > 15 * 60_000)
      return refuse('RequestTimeTooSkewed', `<ServerTime>${new Date(nowMs).toISOString()}</ServerTime>`);
    const { authorization = '' } = request.headers;
    if (keyId !== undefined && !authorization.includes(`Credential=${keyId}/`)) return refuse('ExpiredToken');
    response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, options, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ask = (store: S3Store) => store.probe(FOREVER);

test('a wrong Date in the answers of a store that takes our time corrects nothing', async (t) => {
  const { seen, endpoint } = await serve(t, { dateAheadMs: -9 * HOUR_MS });
  const store = storeAt({ endpoint });
  for (let request = 0; request < 3; request++) await ask(store);
  assert.deepEqual(seen, { requests: 3, refused: 0 });
});

test('a store that refuses our time is asked with its own, from then on at once', async (t) => {
  const { seen, endpoint } = await serve(t, { aheadMs: HOUR_MS });
  const store = storeAt({ endpoint });
  for (let request = 0; request < 3; request++) await ask(store);
  assert.deepEqual(seen, { requests: 4, refused: 1 });
});

test('and with ours again, once its clock has been set', async (t) => {
  const { seen, options, endpoint } = await serve(t, { aheadMs: HOUR_MS });
  const store = storeAt({ endpoint });
  await ask(store);
  options.aheadMs = 0;
  for (let request = 0; request < 3; request++) await ask(store);
  assert.deepEqual(seen, { requests: 6, refused: 2 });
});

test('credentials that have been renewed are found before anything fails, and not asked for again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfpipe-second-try-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'credentials');
  const write = (id: string) =>
    writeFile(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = SECRET\n`);
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  process.env.AWS_SHARED_CREDENTIALS_FILE = file;
  t.after(() => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret });
    delete process.env.AWS_SHARED_CREDENTIALS_FILE;
  });
  await write('FIRST');
  const { seen, options, endpoint } = await serve(t, { keyId: 'FIRST' });
  const store = storeAt({ endpoint });
  await ask(store);
  await write('SECOND');
  options.keyId = 'SECOND';
  await Promise.all([ask(store), ask(store), ask(store)]);
  await ask(store);
  assert.equal(seen.requests - seen.refused, 5);
  assert.ok(seen.refused <= 3, `${seen.refused} were refused`);

  options.keyId = 'THIRD';
  await assert.rejects(ask(store), (error) => error instanceof Fault && error.code === 'ExpiredToken');
});

// Files over HTTP, at a real socket: what becomes of each kind of request. The spool is in memory.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { IngestOptions } from '../../src/ingest/ingest-options.ts';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { AUTHORIZED, OpenDoor } from '../support/open-door.ts';

const run = promisify(execFile);
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest();
const field = (text: string) => `sha-256=:${hash('sha256', text).toString('base64')}:`;
const problemOf = ({ body }: { body: string }): string =>
  JSON.parse(body).type.replace('urn:halfpipe:problem:', '');

describe('a file that is put', () => {
  test('is in the spool under its name, and the answer has its size and digest', async (t) => {
    const open = await OpenDoor.open(t);
    const { status, headers, body } = await open.put('camera-7/%C3%A9t%C3%A9+1.jpg', 'picture');
    assert.equal(status, 201);
    assert.deepEqual(open.spool.files.get('camera-7/été+1.jpg')?.toString(), 'picture');
    assert.equal(headers.location, '/v1/files/camera-7/%C3%A9t%C3%A9%2B1.jpg');
    assert.equal(headers['repr-digest'], field('picture'));
    assert.deepEqual(JSON.parse(body), {
      path: 'camera-7/été+1.jpg',
      size: 7,
      sha256: hash('sha256', 'picture').toString('hex'),
    });
    const told = open.events.find(({ kind }) => kind === 'ingested');
    assert.ok(told?.kind === 'ingested' && told.elapsedMs > 0);
    assert.deepEqual(
      { ...told, elapsedMs: 0 },
      {
        kind: 'ingested',
        path: 'camera-7/été+1.jpg',
        sizeBytes: 7,
        token: 'good',
        outcome: 'created',
        elapsedMs: 0,
      },
    );
    const again = await open.ask('PUT', headers.location as string, AUTHORIZED, 'picture');
    assert.equal(again.status, 200, 'the location is the place to put it');
  });

  test('twice is one file; other bytes are refused unless they are to replace it', async (t) => {
    const open = await OpenDoor.open(t);
    assert.equal((await open.put('a', 'one')).status, 201);
    const same = await open.put('a', 'one');
    assert.deepEqual([same.status, same.headers['repr-digest']], [200, field('one')]);
    const other = await open.put('a', 'two');
    assert.deepEqual([other.status, problemOf(other)], [409, 'name-taken']);
    assert.equal((await open.put('a?replace=false', 'two')).status, 409);
    assert.equal((await open.put('a?replace=true', 'two')).status, 200);
    assert.equal(open.spool.files.get('a')?.toString(), 'two');
    assert.equal(open.spool.open.size, 0, 'no half of a file is left');
  });

  test('onto the name of a folder is refused, and the remedy is no replacement', async (t) => {
    const open = await OpenDoor.open(t);
    open.spool.folders.add('a');
    const { status, body } = await open.put('a?replace=true', 'x');
    assert.equal(status, 409);
    assert.equal(JSON.parse(body).detail, 'A folder, or what is no file, has this name: use another name');
    assert.match(JSON.parse((await open.put('a', 'x')).body).detail, /or a folder, .*: use another name;/);
  });

  test('comes in chunks as well, empty as well', async (t) => {
    const open = await OpenDoor.open(t);
    assert.equal((await open.put('empty', '')).status, 201);
    const chunked = await open.ask(
      'PUT',
      '/v1/files/chunked',
      { ...AUTHORIZED, 'Transfer-Encoding': 'chunked' },
      'x'.repeat(200_000),
    );
    assert.equal(chunked.status, 201);
    assert.deepEqual(
      [...open.spool.files.values()].map(({ byteLength }) => byteLength),
      [0, 200_000],
    );
  });

  test('is invited by 100 Continue only when everything before its content is right', async (t) => {
    const open = await OpenDoor.open(t);
    const expect = { Expect: '100-continue' };
    const good = await open.put('a', 'x', expect);
    assert.deepEqual([good.status, good.continued], [201, true]);
    const bad = await open.put('.a', 'x', expect);
    assert.deepEqual([bad.status, bad.continued, bad.headers.connection], [400, false, 'close']);
    const other = await open.put('b', 'x', { Expect: '200-ok' });
    assert.deepEqual([other.status, other.continued], [417, false]);
  });
});

describe('a file without a name', () => {
  test('gets one that sorts by time, below the prefix of its token, with the extension of its type', async (t) => {
    const open = await OpenDoor.open(t);
    const post = (type: Record<string, string>) =>
      open.ask('POST', '/v1/files', { Authorization: 'Bearer camera', ...type }, 'x');
    const { status, headers } = await post({ 'Content-Type': 'image/jpeg; charset=x' });
    assert.equal(status, 201);
    assert.match(`${headers.location}`, /^\/v1\/files\/camera-7\/\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{12}\.jpg$/);
    assert.match(`${(await post({})).headers.location}`, /\.bin$/);
    assert.equal(open.spool.files.size, 2);
  });
});

describe('a question about a file', () => {
  test('is answered with its size and digest while it waits, else with 404', async (t) => {
    const open = await OpenDoor.open(t);
    await open.put('a', 'content');
    const found = await open.ask('HEAD', '/v1/files/a');
    assert.deepEqual(
      [found.status, found.headers['content-length'], found.headers['repr-digest'], found.body],
      [200, '7', field('content'), ''],
    );
    assert.equal((await open.ask('HEAD', '/v1/files/b')).status, 404);
    assert.deepEqual(open.refusals, [], 'an answer is no refusal');
    const foreign = await open.ask('HEAD', '/v1/files/a', { Authorization: 'Bearer camera' });
    assert.equal(foreign.status, 403);
  });
});

test('a request without a token is asked for a Bearer token, or for user and password', async (t) => {
  const open = await OpenDoor.open(t);
  const { status, headers } = await open.ask('PUT', '/v1/files/a', {}, 'one');
  assert.equal(status, 401);
  assert.match(`${headers['www-authenticate']}`, /^Bearer realm="halfpipe".*, Basic realm="halfpipe"/);
});

test('questions and their answers share one connection, whatever the answer is', async (t) => {
  const open = await OpenDoor.open(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  await open.put('a', 'content');
  const sockets = new Set<unknown>();
  for (const [path, headers] of [
    ['/v1/files/a', AUTHORIZED],
    ['/v1/files/missing', AUTHORIZED],
    ['/v1/files/a', {}],
    ['/v1/healthz', {}],
    ['/v1/files/a', AUTHORIZED],
  ] as const) {
    const asked = request({ host: '127.0.0.1', port: open.port, method: 'HEAD', path, headers, agent });
    asked.end();
    const [answer] = await once(asked, 'response');
    sockets.add(asked.socket);
    assert.match(`${answer.headers['content-length']}`, /^\d+$/, path);
    await once(answer.resume(), 'end');
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(sockets.size, 1);
});

describe('a question that takes long, because the file is large', () => {
  async function asking(t: TestContext, options: Partial<IngestOptions> = {}) {
    const open = await OpenDoor.open(t, options);
    let reading = 0;
    open.spool.before = async (call) => {
      if (call !== 'find') return;
      reading += 1;
      await new Promise(() => undefined);
    };
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const bytes = 'HEAD /v1/files/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n';
    const ask = async () => {
      const [before, client] = [reading, await open.connect(bytes)];
      await until(() => reading > before);
      return client;
    };
    return { open, ask };
  }

  test('takes no place of an upload', async (t) => {
    const { open, ask } = await asking(t, { maxConcurrent: 1 });
    await ask();
    assert.equal((await open.put('b', 'x')).status, 201);
  });

  test('is given up when its client has gone, without a word', async (t) => {
    const { open, ask } = await asking(t);
    // More in turn than are answered at once.
    for (let n = 1; n <= 9; n += 1) {
      const client = await ask();
      client.socket.destroy();
      await client.closed;
    }
    assert.deepEqual(open.refusals, []);
  });

  test('does not hold up the end of the door, and is answered with 503', async (t) => {
    const { open, ask } = await asking(t);
    const client = await ask();
    await open.door.close();
    await client.closed;
    assert.match(client.received, /^HTTP\/1\.1 503 /);
  });
});

describe('the digest of an upload', () => {
  const md5 = hash('md5', 'content').toString('base64');
  const sha512 = `sha-512=:${hash('sha512', 'content').toString('base64')}:`;
  for (const [title, headers, status] of [
    ['right Repr-Digest', { 'Repr-Digest': field('content') }, 201],
    ['right Content-Digest with two algorithms', { 'Content-Digest': `${field('content')}, ${sha512}` }, 201],
    ['unknown algorithm', { 'Content-Digest': 'crc32c=:AAAAAA==:, unixsum=1' }, 201],
    ['right Content-MD5', { 'Content-MD5': md5 }, 201],
    ['wrong Repr-Digest', { 'Repr-Digest': field('other') }, 422],
    ['one wrong of two', { 'Content-Digest': `${field('content')}, ${sha512.replace(/=:../, '=:xx')}` }, 422],
    ['wrong Content-MD5', { 'Content-MD5': hash('md5', 'other').toString('base64') }, 422],
    ['no dictionary', { 'Repr-Digest': 'sha-256=:' }, 400],
    ['no bytes', { 'Repr-Digest': 'sha-256="abc"' }, 400],
    ['too few bytes', { 'Content-Digest': 'sha-256=:AAAA:' }, 400],
    ['malformed Content-MD5', { 'Content-MD5': 'AAAA' }, 400],
    ['hexadecimal Content-MD5', { 'Content-MD5': hash('md5', 'content').toString('hex') }, 400],
  ] as const)
    test(`is verified: ${title} leads to ${status}`, async (t) => {
      const open = await OpenDoor.open(t);
      assert.equal((await open.put('a', 'content', headers)).status, status);
      assert.equal(open.spool.files.has('a'), status === 201);
      assert.equal(open.spool.open.size, 0);
    });
});

describe('a request is refused', () => {
  test('for JSON or a form with a command that works in its place', async (t) => {
    const open = await OpenDoor.open(t);
    const folder = await mkdtemp(join(tmpdir(), 'halfpipe-curl-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'FILE'), 'picture');
    for (const [method, path] of [
      ['POST', '/v1/files'],
      ['PUT', '/v1/files/it%27s/a%20b.jpg'],
      ['PUT', "/v1/files/it's/$(x)"],
    ] as const) {
      const json = { ...AUTHORIZED, 'Content-Type': 'application/json', Host: `127.0.0.1:${open.port}` };
      const { status, body } = await open.ask(method, path, json, '{}');
      assert.equal(status, 415);
      const [command = ''] = /curl .*/.exec(JSON.parse(body).detail) ?? [];
      const { stdout } = await run('sh', ['-c', `${command.replace('TOKEN', 'good')} -sw '%{http_code}'`], {
        cwd: folder,
      });
      assert.match(stdout, /201$/, command);
    }
    const names = [...open.spool.files.keys()];
    assert.match(names[0] ?? '', /\.jpg$/);
    assert.deepEqual(names.slice(1), ["it's/a b.jpg", "it's/$(x)"]);
    assert.deepEqual([...open.spool.files.values()].map(String), ['picture', 'picture', 'picture']);
  });

  test('when the spool is gone, with the time after which to try again', async (t) => {
    const open = await OpenDoor.open(t);
    assert.equal((await open.ask('GET', '/v1/healthz', {})).status, 200);
    const hint = 'mount it';
    open.spool.before = () => {
      throw new Fault('breaker', 'the spool /spool is gone', {
        operation: 'scan',
        subject: '/spool',
        code: 'spool-gone',
        hint,
      });
    };
    const { status, headers, body } = await open.put('a', 'x');
    assert.deepEqual([status, headers['retry-after'], problemOf({ body })], [503, '10', 'spool-unavailable']);
    assert.doesNotMatch(body, /\/spool /, 'a producer learns no path of the machine');
    const told = open.events.find(({ kind }) => kind === 'ingestRefused');
    assert.ok(told?.kind === 'ingestRefused' && told.detail.includes('mount it'), 'the operator does');
    open.spool.before = () => undefined;
    assert.equal((await open.put('a', 'x')).status, 201);
  });
});

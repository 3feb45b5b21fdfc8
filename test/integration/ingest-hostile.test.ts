// The door of files over HTTP before clients that are slow, careless or hostile: requests that two servers could read in two ways,
// clients that send little or nothing, floods, and uploads that break off.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { OpenDoor, type RawClient } from '../support/open-door.ts';
import { SimClock } from '../support/sim-clock.ts';

const AS_GOOD = 'Host: x\r\nAuthorization: Bearer good\r\n';
const put = (name: string, fields: string, body = '') =>
  `PUT /v1/files/${name} HTTP/1.1\r\n${AS_GOOD}${fields}\r\n${body}`;
/** What a smuggler hides behind a request. */
const HIDDEN = put('smuggled', 'Content-Length: 1\r\n', 'x');
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const ONE_CHUNK = '1\r\nz\r\n0\r\n\r\n';

const statusesOf = (received: string) =>
  [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => code);

/** Nothing of the client has stayed. */
async function requireUnharmed(open: OpenDoor, files: readonly string[] = []): Promise<void> {
  await until(() => open.spool.open.size === 0);
  assert.deepEqual([...open.spool.files.keys()], files);
  assert.equal((await open.put('afterwards', 'x')).status, 201);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a request that could be read in two ways', () => {
  for (const [title, bytes] of [
    ['length and chunks', put('a', `Content-Length: 5\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`)],
    ['chunks and length', put('a', `${CHUNKED}Content-Length: 5\r\n`, `0\r\n\r\n${HIDDEN}`)],
    ['two lengths', put('a', 'Content-Length: 1\r\nContent-Length: 2\r\n', `z${HIDDEN}`)],
    ['one length twice', put('a', 'Content-Length: 1\r\nContent-Length: 1\r\n', `z${HIDDEN}`)],
    ['a list of lengths', put('a', 'Content-Length: 1, 1\r\n', `z${HIDDEN}`)],
    ['a length with a sign', put('a', 'Content-Length: +1\r\n', 'z')],
    ['a length in hexadecimal', put('a', 'Content-Length: 0x1\r\n', 'z')],
    ['a length with a space in it', put('a', 'Content-Length: 1 1\r\n', 'z')],
    ['a length that no number holds', put('a', 'Content-Length: 99999999999999999999\r\n', 'z')],
    ['a folded field', put('a', 'X: y\r\n Content-Length: 9\r\nContent-Length: 1\r\n', 'z')],
    ['a folded transfer coding', put('a', 'Transfer-Encoding:\r\n chunked\r\n', ONE_CHUNK)],
    ['line ends without CR', put('a', 'Content-Length: 1\r\n', 'z').replaceAll('\r\n', '\n')],
    ['one line end without CR', put('a', 'X: y\nContent-Length: 1\r\n', 'z')],
    ['one line end without LF', put('a', 'X: y\rContent-Length: 9\r\nContent-Length: 1\r\n', 'z')],
    ['coding identity', put('a', 'Transfer-Encoding: identity\r\n', `z${HIDDEN}`)],
    [
      'coding identity with a length',
      put('a', 'Transfer-Encoding: identity\r\nContent-Length: 1\r\n', `z${HIDDEN}`),
    ],
    ['two codings', put('a', 'Transfer-Encoding: gzip, chunked\r\n', ONE_CHUNK)],
    ['chunked twice', put('a', 'Transfer-Encoding: chunked, chunked\r\n', ONE_CHUNK)],
    ['chunked, then identity', put('a', `${CHUNKED}Transfer-Encoding: identity\r\n`, ONE_CHUNK)],
    ['a space before the colon', put('a', 'Transfer-Encoding : chunked\r\n', ONE_CHUNK)],
    ['a control character before chunked', put('a', 'Transfer-Encoding: \x0bchunked\r\n', ONE_CHUNK)],
    ['chunks in HTTP/1.0', put('a', CHUNKED, ONE_CHUNK).replace('HTTP/1.1', 'HTTP/1.0')],
    ['a bare LF in a chunk extension', put('a', CHUNKED, `1;a\nz\r\n0\r\n\r\n${HIDDEN}`)],
    ['an open quote in a chunk extension', put('a', CHUNKED, `1;a="\r\nz\r\n0\r\n\r\n${HIDDEN}`)],
    ['chunk extensions without end', put('a', CHUNKED, `1;${'a'.repeat(20_000)}\r\nz\r\n0\r\n\r\n`)],
    ['a space after a chunk size', put('a', CHUNKED, `1 \r\nz\r\n0\r\n\r\n`)],
    ['a chunk size with a prefix', put('a', CHUNKED, '0x1\r\nz\r\n0\r\n\r\n')],
    ['a chunk size below zero', put('a', CHUNKED, '-1\r\nz\r\n0\r\n\r\n')],
    ['a chunk size that no number holds', put('a', CHUNKED, '10000000000000001\r\nz\r\n0\r\n\r\n')],
    ['chunks that end with a bare LF', put('a', CHUNKED, '1\nz\n0\n\n')],
    ['a chunk longer than its size', put('a', CHUNKED, '1\r\nzz\r\n0\r\n\r\n')],
    ['a length in the trailer', put('a', CHUNKED, `1\r\nz\r\n0\r\nContent-Length: 5\r\n\r\n${HIDDEN}`)],
    ['two hosts', put('a', 'Host: y\r\nContent-Length: 1\r\n', 'z')],
    ['no host', put('a', 'Content-Length: 1\r\n', 'z').replace('Host: x\r\n', '')],
    ['no version', 'GET /v1/healthz\r\n\r\n'],
    ['version 2.0', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a space in the path', put('a b', 'Content-Length: 1\r\n', 'z')],
    ['NUL in the path', put('a\0b', 'Content-Length: 1\r\n', 'z')],
    ['bytes above ASCII in the path', put('a\xe9b', 'Content-Length: 1\r\n', 'z')],
    ['a fragment in the path', put('a#b', 'Content-Length: 1\r\n', 'z')],
    ['NUL in a field', put('a', 'X: a\0b\r\nContent-Length: 1\r\n', 'z')],
    ['no request', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ] as const)
    test(`is refused, and nothing behind it is done: ${title}`, async (t) => {
      const open = await OpenDoor.open(t, {}, { patience: { lingerMs: 100, idleMs: 500 } });
      const [status, ...more] = statusesOf(await open.raw(bytes));
      assert.deepEqual([status, more], ['400', []]);
      assert.deepEqual(open.refusals.length, 1);
      await requireUnharmed(open);
    });
});

describe('what follows a request before its answer', () => {
  for (const [title, behind] of [
    ['garbage', '\0\x01garbage\r\n\r\n'],
    ['another request', HIDDEN],
    ['the start of another request', HIDDEN.slice(0, 20)],
  ] as const)
    test(`is not done, and the request is answered: ${title}`, async (t) => {
      const open = await OpenDoor.open(t, {}, { patience: { headersMs: 500, idleMs: 500 } });
      const answer = await open.raw(put('a', 'Content-Length: 1\r\n', `z${behind}`));
      assert.equal(statusesOf(answer)[0], '201');
      assert.doesNotMatch(answer.slice(1), /^HTTP\/1\.1 2/m);
      await requireUnharmed(open, ['a']);
    });

  test('is done when the answer has come: one connection, many files', async (t) => {
    const open = await OpenDoor.open(t);
    const client = await open.connect();
    for (let n = 1; n <= 20; n++) {
      client.send(put(`${n}`, 'Content-Length: 1\r\n', 'z'));
      await client.receives(new RegExp(`"path":"${n}"`));
    }
    client.socket.destroy();
    assert.equal(open.spool.files.size, 20);
  });
});

describe('the URL', () => {
  test('may be absolute; the host in it decides nothing', async (t) => {
    const open = await OpenDoor.open(t);
    const { status } = await open.ask('PUT', 'http://other.example:1/v1/files/a', undefined, 'x');
    assert.equal(status, 201);
    assert.equal((await open.ask('PUT', 'http://x/../v1/files/a', undefined, 'x')).status, 404);
    await requireUnharmed(open, ['a']);
  });
});

describe('a slow client', () => {
  test('that sends its headers a byte at a time is told so, and cut', async (t) => {
    const open = await OpenDoor.open(t, {}, { patience: { headersMs: 500 } });
    const client = await open.connect();
    const drip = setInterval(() => client.send('X'), 10);
    client.send('PUT /v1/files/a HTTP/1.1\r\nX:');
    await client.closed;
    clearInterval(drip);
    assert.deepEqual(statusesOf(client.received), ['408']);
    await requireUnharmed(open);
  });

  test('that sends nothing at all is cut without a word', async (t) => {
    const open = await OpenDoor.open(t, {}, { patience: { headersMs: 500 } });
    assert.equal(await open.raw(''), '');
    assert.deepEqual(open.refusals, []);
  });

  test('that sends its content a byte at a time is told so when a window is over', async (t) => {
    const clock = new SimClock();
    const open = await OpenDoor.open(t, {}, { clock });
    const client = await open.connect(put('a', 'Content-Length: 100000\r\n'));
    await until(() => open.spool.open.size === 1);
    for (let second = 1; second <= 20; second++) {
      const told = countOf(open);
      client.send('x');
      await until(() => countOf(open) > told);
      assert.equal(client.received, '', `after ${second} s`);
      await clock.advance(1_000);
      await turns();
    }
    await client.receives(/HTTP\/1\.1 408 /);
    client.socket.destroy();
    await clock.advance(10_000);
    assert.deepEqual(open.refusals, ['too-slow']);
    await requireUnharmed(open);
  });

  test('that falls silent in the middle of a quick upload is cut as well', async (t) => {
    const clock = new SimClock();
    const open = await OpenDoor.open(t, {}, { clock });
    const client = await open.connect(put('a', 'Content-Length: 100000\r\n', 'x'.repeat(50_000)));
    await until(() => countOf(open) > 0);
    for (let window = 1; window <= 2; window++) {
      assert.equal(client.received, '');
      await turns();
      await clock.advance(20_000);
    }
    await client.receives(/HTTP\/1\.1 408 /);
    client.socket.destroy();
    await clock.advance(10_000);
    await requireUnharmed(open);
  });

  test('is not blamed for the time that the disk takes', async (t) => {
    const clock = new SimClock();
    const open = await OpenDoor.open(t, {}, { clock });
    const disk = open.spool.stall('write');
    const client = await open.connect(put('a', 'Content-Length: 2\r\n', 'x'));
    await until(() => disk.isReached);
    await clock.advance(60_000);
    disk.resolve();
    await turns();
    client.send('y');
    await client.receives(/HTTP\/1\.1 201 /);
    client.socket.destroy();
    await requireUnharmed(open, ['a']);
  });
});

/** Bytes that the spool has been given. */
function countOf({ spool }: OpenDoor): number {
  return spool.writtenBytes;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a flood', () => {
  for (const [title, flood] of [
    ['of one long field', `X: ${'x'.repeat(1_000_000)}`],
    ['of short fields', 'a:b\r\n'.repeat(200_000)],
    ['of a long path', `${'x'.repeat(100_000)}`],
  ] as const)
    test(`is refused with 431 and cut: ${title}`, async (t) => {
      const open = await OpenDoor.open(t);
      const start = title.includes('path') ? 'PUT /v1/files/' : `PUT /v1/files/a HTTP/1.1\r\n${AS_GOOD}`;
      assert.deepEqual(statusesOf(await open.raw(`${start}${flood}`)), ['431']);
      await requireUnharmed(open);
    });

  test('of idle connections lets uploads in; the oldest of them end', async (t) => {
    const open = await OpenDoor.open(t, { maxConcurrent: 1 });
    const idle: RawClient[] = [];
    for (let n = 0; n < 300; n++) idle.push(await open.connect());
    assert.equal((await open.put('a', 'x')).status, 201);
    await until(() => idle[0]?.socket.destroyed === true);
    const kept = idle.filter(({ socket }) => !socket.destroyed).length;
    assert.ok(kept > 200 && kept <= 258, `${kept}`);
    for (const { socket } of idle) socket.destroy();
  });

  test('of strangers that go on sending after their refusal lets uploads in, and cuts none', async (t) => {
    const open = await OpenDoor.open(t, { maxConcurrent: 2 });
    const slow = await open.connect(put('slow', 'Content-Length: 2\r\n', 'a'));
    await until(() => open.spool.open.size === 1);
    const strangers: RawClient[] = [];
    const left = () => strangers.filter(({ socket }) => !socket.destroyed).length;
    for (let n = 0; n < 300; n++) {
      const stranger = await open.connect(
        'PUT /v1/files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx',
      );
      strangers.push(stranger);
      await Promise.race([stranger.receives(/HTTP\/1\.1 401 /), stranger.closed]);
    }
    assert.equal((await open.put('a', 'x')).status, 201);
    await until(() => left() <= 32);
    slow.send('b');
    await slow.receives(/HTTP\/1\.1 201 /);
    for (const { socket } of [slow, ...strangers]) socket.destroy();
    await requireUnharmed(open, ['a', 'slow']);
  });

  test('of slow uploads of one token leaves places to the others', async (t) => {
    const open = await OpenDoor.open(t, { maxConcurrent: 3 });
    const slow: RawClient[] = [];
    for (let n = 0; n < 3; n++)
      slow.push(
        await open.connect(
          `PUT /v1/files/camera-7/${n} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer camera\r\nContent-Length: 9\r\n\r\n`,
        ),
      );
    await slow[2]?.receives(/HTTP\/1\.1 503 [\s\S]*2 uploads of this token are under way/);
    assert.equal((await open.put('a', 'x')).status, 201);
    for (const { socket } of slow) socket.destroy();
    await requireUnharmed(open, ['a']);
  });

  test('of content after a refusal is read to a bound only', async (t) => {
    const open = await OpenDoor.open(t);
    const client = await open.connect(put('.a', 'Content-Length: 100000000\r\n'));
    await client.receives(/HTTP\/1\.1 400 /);
    const piece = Buffer.alloc(65_536);
    const pump = () => {
      while (!client.socket.destroyed && client.socket.write(piece));
    };
    client.socket.on('drain', pump);
    pump();
    await client.closed;
    assert.ok(client.socket.bytesWritten < 60_000_000, `${client.socket.bytesWritten}`);
    await requireUnharmed(open);
  });
});

describe('many uploads before a disk that stands still', () => {
  test('need little memory each, however much their clients send', async (t) => {
    const uploads = 32;
    const open = await OpenDoor.open(t, { maxConcurrent: uploads, maxFileSizeBytes: 1e9 });
    const disk = Promise.withResolvers<void>();
    let waiting = 0;
    open.spool.before = (call) => {
      if (call !== 'write') return undefined;
      waiting += 1;
      return disk.promise;
    };
    const heldBytes = () => process.memoryUsage().arrayBuffers;
    const piece = Buffer.alloc(65_536);
    const before = heldBytes();
    const clients: RawClient[] = [];
    for (let n = 0; n < uploads; n++) {
      const client = await open.connect(put(`${n}`, 'Content-Length: 900000000\r\n'));
      const pump = () => {
        while (!client.socket.destroyed && client.socket.write(piece));
      };
      client.socket.on('drain', pump);
      pump();
      clients.push(client);
    }
    await until(() => waiting === uploads);
    // The kernel's buffers fill up, and then nothing moves.
    for (let sent = -1; sent < sentBy(clients); await new Promise((resolve) => setTimeout(resolve, 100)))
      sent = sentBy(clients);
    const perUpload = (heldBytes() - before) / uploads;
    for (const { socket } of clients) socket.destroy();
    disk.resolve();
    assert.ok(perUpload < 256 * 1024, `${perUpload} bytes for each upload`);
    await requireUnharmed(open);
  });
});

function sentBy(clients: readonly RawClient[]): number {
  return clients.reduce((bytes, { socket }) => bytes + socket.bytesWritten - socket.writableLength, 0);
}

describe('an upload that breaks off', () => {
  for (const [title, fields, body] of [
    ['before its content', 'Content-Length: 10\r\n', ''],
    ['in its content', 'Content-Length: 10\r\n', 'abc'],
    ['in a chunk', CHUNKED, '5\r\nabc'],
    ['before the last chunk', CHUNKED, '3\r\nabc\r\n'],
  ] as const)
    test(`leaves nothing behind, and is told with its token, its path and its bytes: ${title}`, async (t) => {
      const open = await OpenDoor.open(t);
      for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
        const client = await open.connect(put('a', fields, body));
        await until(
          () =>
            open.spool.open.size === 1 &&
            open.spool.writtenBytes === body.replace(/^\d\r\n/, '').trim().length,
        );
        open.spool.writtenBytes = 0;
        client.socket[end]();
        await client.closed;
        await until(() => open.spool.open.size === 0);
        if (end === 'end')
          assert.match(client.received, /^HTTP\/1\.1 400 [\s\S]*urn:halfpipe:problem:incomplete/);
      }
      const told = open.events.flatMap((event) => (event.kind === 'ingestRefused' ? [event] : []));
      const bytes = body === '' ? 0 : 3;
      const one = {
        ...{ kind: 'ingestRefused', status: 400, problem: 'incomplete', token: 'good', path: 'a' },
        client: '127.0.0.1',
        detail: `The connection ended after ${bytes} bytes of the content: send the file again`,
      };
      assert.deepEqual(
        told.map((event) => ({ ...event, client: '127.0.0.1' })),
        [one, one, one],
      );
      await requireUnharmed(open);
    });

  test('because its chunks cannot be read is told with its token and its path, once', async (t) => {
    const open = await OpenDoor.open(t);
    const client = await open.connect(put('a', CHUNKED, '1\r\nz\r\n'));
    await until(() => open.spool.writtenBytes === 1);
    client.send('no chunk\r\n');
    await client.closed;
    assert.deepEqual(statusesOf(client.received), ['400']);
    const told = open.events.flatMap((event) => (event.kind === 'ingestRefused' ? [event] : []));
    assert.deepEqual(
      told.map(({ problem, token, path }) => [problem, token, path]),
      [['bad-request', 'good', 'a']],
    );
    await requireUnharmed(open);
  });

  test('while the disk refuses it is told with the reason of the disk', async (t) => {
    const open = await OpenDoor.open(t);
    const disk = open.spool.stall('write');
    const client = await open.connect(put('a', 'Content-Length: 9\r\n', 'x'));
    await until(() => disk.isReached);
    client.socket.destroy();
    await client.closed;
    open.spool.before = () => undefined;
    disk.reject(new Fault('transient', 'no', { operation: 'write', subject: 'a', code: 'ENOSPC' }));
    await until(() => open.refusals.length > 0);
    assert.deepEqual(open.refusals, ['disk-full']);
    await requireUnharmed(open);
  });

  test('while it is made durable is in the spool all the same', async (t) => {
    const open = await OpenDoor.open(t);
    const disk = open.spool.stall('publish');
    const client = await open.connect(put('a', 'Content-Length: 1\r\n', 'x'));
    await until(() => disk.isReached);
    client.socket.destroy();
    await client.closed;
    disk.resolve();
    await requireUnharmed(open, ['a']);
  });
});

// Where the door of files over HTTP listens: addresses, a Unix socket, an inherited descriptor; TLS; new options; its end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { link, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as plainRequest, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { IngestDoor } from '../../src/ingest/ingest-door.ts';
import { systemClock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import { type Certificate, certificateFor } from '../support/certificate.ts';
import { test } from '../support/nothing-left.ts';
import { AUTHORIZED, OpenDoor, type RawClient } from '../support/open-door.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'halfpipe-door-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function statusAt(to: RequestOptions & { ca?: string }): Promise<number> {
  const make = to.ca === undefined ? plainRequest : secureRequest;
  const asked = make({ ...to, agent: false, method: 'PUT', path: '/v1/files/a', headers: AUTHORIZED });
  asked.end('x');
  const [answer] = await once(asked, 'response');
  answer.resume();
  await once(answer, 'close');
  return answer.statusCode;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the door listens', () => {
  test('at each address, and says where', async (t) => {
    const { door, port } = await OpenDoor.open(t);
    assert.deepEqual(door.urls, [`http://127.0.0.1:${port}`]);
    await assert.rejects(
      OpenDoor.open(t, { listen: { kind: 'tcp', addresses: ['127.0.0.1'], port } }),
      /cannot listen on 127\.0\.0\.1:\d+ \(ingest\.listen\): another program listens there/,
    );
  });

  test('at a Unix socket that its group may use, also where a dead process has left one', async (t) => {
    const path = join(await folder(t), 'ingest.sock');
    const dead = createServer().listen(`${path}.dead`);
    await once(dead, 'listening');
    await link(`${path}.dead`, path);
    dead.close();
    const { door } = await OpenDoor.open(t, { listen: { kind: 'unix', path } });
    assert.deepEqual(door.urls, [`unix:${path}`]);
    assert.equal((await stat(path)).mode & 0o777, 0o660);
    assert.equal(await statusAt({ socketPath: path }), 201);
    await door.close();
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  test('at no Unix socket that another process uses, and at no other file', async (t) => {
    const path = join(await folder(t), 'ingest.sock');
    const { door } = await OpenDoor.open(t, { listen: { kind: 'unix', path } });
    const listen = { kind: 'unix', path } as const;
    await assert.rejects(
      OpenDoor.open(t, { listen }),
      /cannot listen on .* \(ingest\.listen\): another program/,
    );
    assert.equal(await statusAt({ socketPath: path }), 201, 'the first one is unharmed');
    await door.close();
    await writeFile(path, 'precious');
    await assert.rejects(OpenDoor.open(t, { listen }), /cannot listen on/);
    assert.equal((await stat(path)).size, 8);
    const nowhere = { kind: 'unix', path: join(path, 'x') } as const;
    await assert.rejects(OpenDoor.open(t, { listen: nowhere }), /cannot listen on/);
  });

  test('at no descriptor that has become another socket, or none, and at no address in its place', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => void other.close());
    await once(other, 'listening');
    const fd = descriptorOf(other);
    const { ino } = fstatSync(fd);
    for (const [socket, reason] of [
      [{}, /systemd has handed over no socket/],
      [{ fd: 1_000_000, inode: 1 }, /EBADF/],
      [{ fd, inode: ino - 1 }, /it has been closed in this process/],
    ] as const)
      await assert.rejects(OpenDoor.open(t, { listen: { kind: 'systemd', ...socket } }), reason);
  });

  test('at a socket that it inherits', async (t) => {
    const socket = createServer().listen(0, '127.0.0.1');
    await once(socket, 'listening');
    const address = socket.address();
    assert.ok(typeof address === 'object' && address !== null);
    const script = new URL('../support/door-on-descriptor.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['pipe', 'pipe', 'inherit', descriptorOf(socket)],
    });
    t.after(() => child.kill());
    const { stdin, stdout } = child;
    assert.ok(stdin !== null && stdout !== null);
    const [line] = await once(stdout, 'data');
    socket.close();
    assert.equal(`${line}`.trim(), `http://127.0.0.1:${address.port}`);
    assert.equal(await statusAt({ host: '127.0.0.1', port: address.port }), 201);
    stdin.end();
    await once(child, 'close');
  });
});

function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { _handle?: { fd: number } };
  assert.ok(handle !== undefined);
  return handle.fd;
}

describe('with TLS', () => {
  const tlsOf = async (t: TestContext, { cert, key }: Certificate) => {
    const path = await folder(t);
    const [certificate, keyFile] = [join(path, 'door.pem'), join(path, 'door.key')];
    await writeFile(certificate, cert);
    await writeFile(keyFile, key);
    return { certificate, key: keyFile };
  };

  test('files are taken; plain HTTP and silent handshakes are cut', async (t) => {
    const own = certificateFor(t, ['127.0.0.1']);
    const tls = await tlsOf(t, own);
    const open = await OpenDoor.open(t, { tls }, { patience: { headersMs: 200 } });
    const { door, port, spool } = open;
    assert.deepEqual(door.urls, [`https://127.0.0.1:${port}`]);
    assert.equal(await statusAt({ host: '127.0.0.1', port, ca: own.cert }), 201);
    assert.equal(await open.raw('PUT /v1/files/b HTTP/1.1\r\nHost: x\r\n\r\n'), '');
    assert.equal(await open.raw(''), '');
    assert.deepEqual([...spool.files.keys()], ['a']);
  });

  test('at no Unix socket, because a connection there has no address that tells it from others', async (t) => {
    const tls = await tlsOf(t, certificateFor(t, ['localhost']));
    const path = join(await folder(t), 'ingest.sock');
    await assert.rejects(
      OpenDoor.open(t, { tls, listen: { kind: 'unix', path } }),
      /ingest\.tls at a Unix socket/,
    );
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  test('one connection carries many files, and a flood of strangers does not end it', async (t) => {
    const own = certificateFor(t, ['127.0.0.1']);
    const { port, spool } = await OpenDoor.open(t, { tls: await tlsOf(t, own), maxConcurrent: 1 });
    const client = connectSecurely({ host: '127.0.0.1', port, ca: own.cert });
    let received = '';
    client.on('data', (chunk) => {
      received += chunk;
    });
    const put = async (name: string) => {
      const before = received;
      client.write(
        `PUT /v1/files/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 1\r\n\r\nx`,
      );
      await until(() => client.destroyed || (received.length > before.length && received.endsWith('}\n')));
    };
    for (let n = 0; n < 10; n++) await put(`${n}`);
    assert.equal(spool.files.size, 10);
    const flood: Socket[] = [];
    t.after(() => flood.forEach((socket) => void socket.destroy()));
    for (let n = 0; n < 260; n++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      flood.push(socket);
      await once(socket, 'connect');
    }
    await until(() => flood.filter(({ destroyed }) => destroyed).length >= 3);
    await put('last');
    assert.equal(spool.files.size, 11);
    client.destroy();
  });

  test('a reload brings the new certificate; one that cannot be used changes nothing', async (t) => {
    const [old, renewed] = [certificateFor(t, ['127.0.0.1']), certificateFor(t, ['127.0.0.1'])];
    const tls = await tlsOf(t, old);
    const { door, options, port } = await OpenDoor.open(t, { tls });
    await writeFile(tls.certificate, renewed.cert);
    await assert.rejects(
      door.reconfigure(options),
      /cannot use .*door\.pem with .*door\.key \(ingest\.tls\): /,
    );
    assert.equal(await statusAt({ host: '127.0.0.1', port, ca: old.cert }), 201);
    await writeFile(tls.key, renewed.key);
    await door.reconfigure(options);
    assert.equal(await statusAt({ host: '127.0.0.1', port, ca: renewed.cert }), 200);
    await assert.rejects(statusAt({ host: '127.0.0.1', port, ca: old.cert }));
    await rm(tls.key);
    await assert.rejects(door.reconfigure(options), /cannot use .*door\.key \(ingest\.tls\): /);
  });
});

describe('new options', () => {
  test('hold for the number of connections as well', async (t) => {
    const open = await OpenDoor.open(t, { maxConcurrent: 1 });
    const clients: RawClient[] = [];
    const openNow = () => clients.filter(({ socket }) => !socket.destroyed).length;
    for (let n = 0; n < 300; n++) clients.push(await open.connect());
    await until(() => openNow() === 258);
    await open.door.reconfigure({ ...open.options, maxConcurrent: 8 });
    for (let n = 0; n < 50; n++) clients.push(await open.connect());
    await until(() => openNow() === 272);
    for (const { socket } of clients) socket.destroy();
  });

  test('with another tokens file that cannot be read are refused, and nothing changes', async (t) => {
    const fault = new Fault('blocked', 'cannot read the tokens', { operation: 'read tokens', subject: 'x' });
    let readable = ['/tokens'];
    const tokens = (file: string) => ({
      grant: () => {
        if (!readable.includes(file)) throw fault;
        return { name: 'good', prefix: '', expiresAtMs: undefined, isOnly: true };
      },
    });
    const open = await OpenDoor.open(t, {}, { tokens });
    const moved = { ...open.options, tokensFile: '/other', maxFileSizeBytes: 1 };
    await assert.rejects(open.door.reconfigure(moved), fault);
    assert.equal((await open.put('a', 'content')).status, 201);
    await assert.rejects(OpenDoor.open(t, { tokensFile: '/other' }, { tokens }), fault);
    readable = [];
    await open.door.reconfigure({ ...open.options, maxFileSizeBytes: 2 });
    readable = ['/tokens', '/other'];
    assert.equal((await open.put('b', 'content')).status, 413, 'a file in force may be unreadable meanwhile');
    await open.door.reconfigure(moved);
    assert.equal((await open.put('b', 'xx')).status, 413);
  });

  test('hold from the next request on', async (t) => {
    const open = await OpenDoor.open(t);
    assert.equal((await open.put('a.raw', 'content')).status, 201);
    await open.door.reconfigure({ ...open.options, ignore: ['*.raw'], maxFileSizeBytes: 3 });
    assert.equal((await open.put('b.raw', 'x')).status, 400);
    assert.equal((await open.put('b', 'content')).status, 413);
    assert.equal(
      (await open.put('.b', 'x')).status,
      400,
      'a hidden name is refused whatever spool.ignore says',
    );
    await open.door.reconfigure({ ...open.options, backlogLimit: { files: 1 } });
    assert.equal((await open.put('c', 'x')).status, 429, 'the files since the last count are counted');
    const empty = { files: 0, bytes: 0, oldestAgeMs: undefined };
    open.door.setBacklog({ ...empty, scans: 1 });
    assert.equal((await open.put('c', 'x')).status, 429, 'a scan may not have seen them yet');
    open.door.setBacklog({ ...empty, scans: 3 });
    assert.equal((await open.put('c', 'x')).status, 201);
    assert.equal((await open.put('d', 'x')).status, 429);
  });
});

describe('the end of the door', () => {
  test('lets a file end that is being made durable, tells its producer, and cuts what only comes', async (t) => {
    const open = await OpenDoor.open(t);
    const disk = open.spool.stall('publish');
    const idle = await open.connect();
    const head = (name: string) =>
      `PUT /v1/files/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 2\r\n\r\n`;
    const durable = await open.connect(`${head('durable')}ab`);
    await until(() => disk.isReached);
    const coming = await open.connect(`${head('coming')}a`);
    await until(() => open.spool.open.size === 2);
    const closed = open.door.close();
    await Promise.all([coming.closed, assert.rejects(open.connect(), { code: 'ECONNREFUSED' })]);
    assert.equal(coming.received, '');
    await until(() => open.refusals.length > 0);
    assert.deepEqual(open.refusals, ['busy'], 'the stop has cut it, and not the client');
    disk.resolve();
    await closed;
    await Promise.all([durable.closed, idle.closed]);
    assert.match(durable.received, /^HTTP\/1\.1 201 [\s\S]*\r\nConnection: close\r\n/);
    assert.deepEqual([[...open.spool.files.keys()], open.spool.open.size], [['durable'], 0]);
  });

  test('comes at once when nothing is under way, and the place is free again', async (t) => {
    const { door, options, spool } = await OpenDoor.open(t);
    await door.close();
    const again = await IngestDoor.open(options, {
      ...{ clock: systemClock, onEvent: () => undefined, deposits: spool },
      tokens: () => ({ grant: () => 'unknown' }),
    });
    await again.close();
  });
});

describe('what is under way', () => {
  test('is told once a second, and at the end of the door', async (t) => {
    const open = await OpenDoor.open(t);
    const client = await open.connect(
      'PUT /v1/files/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 9\r\n\r\nabc',
    );
    const states = () => open.events.flatMap((event) => (event.kind === 'ingestState' ? [event] : []));
    const sum = () => states().reduce((bytes, { receivedBytes }) => bytes + receivedBytes, 0);
    await until(() => states().length > 1);
    const now = { kind: 'ingestState', receiving: 1, connections: 1, waitingSync: 0 };
    assert.deepEqual(states().at(-1), { ...now, receivedBytes: 0 });
    assert.equal(sum(), 3);
    client.send('defg');
    await until(() => open.spool.writtenBytes === 7);
    await open.door.close();
    assert.deepEqual(
      { ...states().at(-1), receivedBytes: 0 },
      { ...now, receiving: 0, connections: 0, receivedBytes: 0 },
    );
    assert.equal(sum(), 7, 'the end tells what came since the last second');
    client.socket.destroy();
  });
});

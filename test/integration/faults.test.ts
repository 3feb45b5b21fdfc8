// One fault of the network or the store after the other, between a daemon and a real S3 server: whatever is done to its
// requests, each file arrives whole, once, and is deleted only then.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Build, BuiltDaemon } from '../support/built-daemon.ts';
import { FaultProxy, type Passing } from '../support/fault-proxy.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { bytesOf } from '../support/store-fixture.ts';
import type { WireFault } from '../support/wire-fault.ts';

const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
const MIB = 1024 ** 2;
const PATIENCE_MS = 20_000;

const WHOLE = /^PUT [^?]*$|^PUT [^?]*\?x-id=PutObject$/;
const BEGIN = /^POST [^?]*\?uploads/;
const PART = /^PUT .*partNumber=/;
const COMPLETE = /^POST .*uploadId=/;

interface Case {
  readonly what: string;
  readonly fault: WireFault;
  /** What it is done to; default: a PUT of a whole object. */
  readonly to?: RegExp;
  /** So many times; default 2. */
  readonly times?: number;
}

const error = (status: number, code: string, headers = {}): WireFault => ({
  kind: 'answer',
  status,
  code,
  headers,
});

const CASES: readonly Case[] = [
  { what: 'the connection reset in the middle of the body', fault: { kind: 'reset', atByte: 20_000 } },
  { what: 'the connection reset before the body', fault: { kind: 'reset', atByte: 0 } },
  { what: 'silence', fault: { kind: 'stall' }, times: 1 },
  { what: '500 InternalError', fault: error(500, 'InternalError') },
  { what: '500 without a word', fault: { kind: 'answer', status: 500 } },
  { what: '503 SlowDown', fault: error(503, 'SlowDown', { 'retry-after': '1' }) },
  { what: '429 with Retry-After', fault: error(429, 'TooManyRequests', { 'retry-after': '1' }) },
  { what: '400 RequestTimeout', fault: error(400, 'RequestTimeout') },
  {
    what: '403 before the body was read',
    fault: { kind: 'answer', status: 403, code: 'AccessDenied', early: true },
  },
  { what: '301 to another region', fault: error(301, 'PermanentRedirect') },
  { what: '403 ExpiredToken', fault: error(403, 'ExpiredToken') },
  { what: '400 BadDigest', fault: error(400, 'BadDigest') },
  { what: '200 with nothing, not even an ETag', fault: { kind: 'answer', status: 200 } },
  { what: 'an answer dropped after the object was stored', fault: { kind: 'drop-answer' }, times: 1 },
  { what: 'a PUT carried out long after its retry', fault: { kind: 'late', byMs: 700 }, times: 1 },
  { what: 'a byte flipped in the store', fault: { kind: 'damage', how: 'flip-byte' }, times: 1 },
  { what: 'an object truncated in the store', fault: { kind: 'damage', how: 'truncate' }, times: 1 },
  { what: '500 to the beginning of a multipart upload', fault: error(500, 'InternalError'), to: BEGIN },
  {
    what: 'a dropped answer to the beginning of a multipart upload',
    fault: { kind: 'drop-answer' },
    to: BEGIN,
    times: 1,
  },
  { what: 'a part reset in the middle', fault: { kind: 'reset', atByte: MIB }, to: PART },
  { what: 'a part whose answer is dropped', fault: { kind: 'drop-answer' }, to: PART, times: 1 },
  {
    what: 'a part with a byte flipped in the store',
    fault: { kind: 'damage', how: 'flip-byte' },
    to: PART,
    times: 1,
  },
  { what: 'a truncated part', fault: { kind: 'damage', how: 'truncate' }, to: PART, times: 1 },
  { what: '200 with an <Error> to the completion', fault: error(200, 'InternalError'), to: COMPLETE },
  { what: '200 with nothing to the completion', fault: { kind: 'answer', status: 200 }, to: COMPLETE },
  { what: 'a completion whose answer is dropped', fault: { kind: 'drop-answer' }, to: COMPLETE, times: 1 },
  {
    what: 'a completion carried out long after its retry',
    fault: { kind: 'late', byMs: 700 },
    to: COMPLETE,
    times: 1,
  },
];

describe('a file arrives whole and once in spite of', () => {
  const build = new Build();
  let base = '';
  let spool = '';
  let server: S3Server;
  let proxy: FaultProxy;
  let daemon: BuiltDaemon;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'halfpipe-faults-'));
    spool = join(base, 'spool');
    await mkdir(spool);
    build.make();
    server = await startS3Server({ ...KEYS, directory: join(base, 's3'), port: 0, buckets: ['inbox'] });
    proxy = new FaultProxy(server.endpoint, KEYS);
    await proxy.start();
    const s3 = { bucket: 'inbox', endpoint: proxy.endpoint, region: 'us-east-1', forcePathStyle: true };
    const settings = {
      spool: { path: spool, settle: '0 s', rescan: '1 s' },
      link: { interface: 'lo', capacity: '10 Gbit/s', floor: '50 %' },
      s3: { ...s3, partSize: '5 MiB' },
      upload: { idleTimeout: '1 s' },
      retry: { initial: '20 ms', max: '100 ms', probe: '100 ms' },
      log: { format: 'json' },
    };
    await writeFile(join(base, 'halfpipe.json'), JSON.stringify(settings));
    daemon = new BuiltDaemon(build.main, ['run', '--config', join(base, 'halfpipe.json')], KEYS);
    await daemon.says('ready');
    // What is learnt from the first object of all is learnt from this one.
    await drop('first', bytesOf(100));
    await gone('first');
  });
  after(async () => {
    await daemon.end();
    await proxy.stop();
    await server.close();
    build.remove();
    await rm(base, { recursive: true, force: true });
  });

  async function drop(name: string, content: Buffer): Promise<void> {
    await writeFile(join(base, 'incoming'), content);
    await rename(join(base, 'incoming'), join(spool, name));
  }

  async function gone(name: string): Promise<void> {
    for (const endMs = performance.now() + PATIENCE_MS; existsSync(join(spool, name)); await delay(10))
      assert.ok(performance.now() < endMs && !daemon.ended, `${name} stays in the spool:\n${daemon.tail(5)}`);
  }

  for (const [at, { what, fault, to = WHOLE, times = 2 }] of CASES.entries()) {
    test(what, async () => {
      const name = `case-${at}`;
      const content = bytesOf(to === WHOLE ? 60_000 : 11 * MIB, at + 1);
      let injected = 0;
      proxy.plan = ({ method, url }: Passing) => {
        if (!url.includes(name) || injected === times || !to.test(`${method} ${url}`)) return undefined;
        injected += 1;
        return fault;
      };
      await drop(name, content);
      await gone(name);
      await proxy.settled();
      assert.equal(injected, times, 'the fault was met');
      const bucket = server.bucket('inbox') ?? assert.fail();
      assert.deepEqual(
        bucket.keys('').filter((key) => key.startsWith(name)),
        [name],
      );
      assert.ok(content.equals(await readFile(bucket.fileOf(name))), 'the object has the bytes of the file');
      assert.deepEqual(await quarantined(), []);
    });
  }

  async function quarantined(): Promise<unknown[]> {
    return daemon.of('quarantined').map(({ msg }) => msg);
  }

  test('a proxy that refuses every connection for a while', async () => {
    await proxy.stop();
    await drop('refused', bytesOf(1_000));
    await delay(300);
    await proxy.start();
    await gone('refused');
  });

  test('a server that never says 100 Continue: it is never asked to', async () => {
    assert.deepEqual(
      proxy.seen.filter(({ headers }) => headers.expect !== undefined),
      [],
    );
    const asking = request(`${proxy.endpoint}/inbox/x`, {
      method: 'PUT',
      headers: { expect: '100-continue' },
    });
    let continued = false;
    asking.on('continue', () => {
      continued = true;
    });
    asking.end('x');
    await once(asking, 'response');
    assert.equal(continued, false, 'and this proxy would not have said it');
  });
});

// Each fault is provoked for real, and the line that the operator reads says what the troubleshooting table quotes.
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import { explain } from '../../src/system/fault.ts';
import { certificateFor } from '../support/certificate.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { ScriptedS3 } from '../support/scripted-s3.ts';
import { bytesOf, PART_BYTES, type StoreOverrides, sourceOf, storeAt } from '../support/store-fixture.ts';
import type { WireFault } from '../support/wire-fault.ts';

const never = new AbortController().signal;

/** What people read of the fault with which it ends. */
async function told(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => assert.fail('it passed'),
    (reason: unknown) => reason,
  );
  return explain(error);
}

function put(store: S3Store, sizeBytes = 100): Promise<unknown> {
  return store.upload({ key: 'cam/a.jpg', source: sourceOf(bytesOf(sizeBytes)), signal: never });
}

async function scripted(t: TestContext, script: ScriptedS3['script'], options: StoreOverrides = {}) {
  const s3 = new ScriptedS3();
  await s3.start();
  t.after(() => s3.stop());
  s3.script = script;
  const store = storeAt(s3, options);
  t.after(() => store.close());
  return { s3, store };
}

const answer = (status: number, code: string, headers: Record<string, string> = {}): WireFault => ({
  kind: 'answer',
  ...{ status, code, headers },
});

describe('the hint for a certificate', () => {
  for (const { what, days, says } of [
    {
      what: 'that nothing here trusts',
      days: [-1, 9],
      says: /^.*The certificate of the endpoint is not trusted: name .*AWS_CA_BUNDLE=FILE/,
    },
    {
      what: 'that has expired',
      days: [-9, -1],
      says: /the certificate of the endpoint has expired \(on .*\): renew it at the server/,
    },
    {
      what: 'that is not valid yet',
      days: [1, 9],
      says: /the certificate of the endpoint is not valid yet \(from .*\): renew it at the server/,
    },
  ] as const)
    test(`${what} names the server’s certificate, and not the clock that is right`, async (t) => {
      const { key, cert, file } = certificateFor(t, ['127.0.0.1'], ...days);
      const server = createServer({ key, cert }, (_, response) => response.writeHead(404).end());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      // An expired one is told as such only where it is trusted.
      const bundle = what.startsWith('that nothing') ? {} : { AWS_CA_BUNDLE: file };
      const fixture = await DaemonFixture.create(t, { s3: { endpoint } });
      const { msg } = await fixture.start(bundle).says('paused');
      assert.match(`${msg}`, says);
      assert.doesNotMatch(`${msg}`, /timedatectl/);
    });
});

test('the hint for a bucket whose host does not resolve, where the endpoint’s does, is s3.forcePathStyle', async (t) => {
  const resolves = await lookup('bucket.localhost').then(
    () => true,
    () => false,
  );
  if (resolves) return t.skip('every name below localhost resolves here');
  const { s3 } = await scripted(t, () => undefined);
  const endpoint = s3.endpoint.replace('127.0.0.1', 'localhost');
  const store = storeAt({ endpoint }, { forcePathStyle: false });
  assert.match(
    await told(store.probe(never)),
    /bucket\.localhost does not resolve, and localhost does: set s3\.forcePathStyle: true\./,
  );
});

test('the hint for a name that nothing resolves is s3.endpoint and the name server', async () => {
  const store = storeAt({ endpoint: 'http://no-such-store.invalid' });
  assert.match(await told(store.probe(never)), /check s3\.endpoint|name servers/);
});

test('the hint on a machine without an IPv4 address names what has one for IPv6', async (t) => {
  const address = { address: '2001:db8::1', netmask: 'ffff::', mac: '', internal: false, cidr: null };
  t.mock.method(os, 'networkInterfaces', () => ({ eth0: [{ ...address, family: 'IPv6', scopeid: 0 }] }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  // The kernel connects to no broadcast address: ENETUNREACH, and nothing is sent.
  const store = storeAt({ endpoint: 'http://127.255.255.255:9' });
  assert.match(
    await told(store.probe(never)),
    /This machine has no IPv4 address, and 127\.255\.255\.255 has no other: name an endpoint that has an IPv6 address/,
  );
});

test('the hint for a time that the store refuses, and its own as well, names both clocks', async (t) => {
  const date = new Date(Date.now() - 7_200_000).toUTCString();
  const { store } = await scripted(t, () => answer(403, 'RequestTimeTooSkewed', { date }));
  assert.match(
    await told(store.probe(never)),
    /(One clock is wrong|The store's clock is wrong): this machine's clock says .* UTC, the store's .* UTC/,
  );
});

test('the hint for credentials that have expired is to renew them', async (t) => {
  const { store } = await scripted(t, () => answer(400, 'ExpiredToken'));
  assert.match(await told(store.probe(never)), /The credentials have expired: renew them/);
});

test('the hint for a denied part with KMS is kms:Decrypt', async (t) => {
  const { store } = await scripted(
    t,
    ({ operation }) => (operation === 'PUT ?uploadId' ? answer(403, 'AccessDenied') : undefined),
    { serverSideEncryption: 'aws:kms' },
  );
  assert.match(
    await told(put(store, PART_BYTES + 1)),
    /Multipart uploads need more permissions on the KMS key: allow kms:Decrypt as well as kms:GenerateDataKey/,
  );
});

test('the hint for what is denied is the permission, and for which keys', async (t) => {
  const { store } = await scripted(t, ({ operation }) =>
    operation === 'PUT' ? answer(403, 'AccessDenied') : undefined,
  );
  assert.match(await told(put(store)), /allow s3:PutObject on bucket\/cam\/\*/);
});

test('the hint where it may not look, and the store would overwrite, names both permissions', async (t) => {
  const s3 = new ScriptedS3({ conditions: 'ignore' });
  await s3.start();
  t.after(() => s3.stop());
  s3.script = ({ operation }) => (operation === 'HEAD' ? answer(403, 'AccessDenied') : undefined);
  const text = await told(put(storeAt(s3)));
  assert.match(text, /the credentials do not allow a look at whether the key is free/);
  assert.match(text, /s3:GetObject.*s3:ListBucket.*s3\.conflict to overwrite/);
});

describe('the daemon’s line', { concurrency: 2 }, () => {
  test('for a map of capacities without the interface names the interface', async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { capacity: { eth7: '100 Mbit/s' } } });
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 0, run.stdout);
    assert.match(run.stdout, /^WARN link {4}link\.capacity has no rate for lo: .*add lo to link\.capacity$/m);
  });

  test('for a counter that does not move says which', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const file = join(fixture.base, 'counter');
    await writeFile(file, '1000\n');
    await fixture.configure({ link: { counter: file, capacity: '20 Mbit/s' } });
    const daemon = fixture.start();
    for (let round = 0; round < 4; round += 1) await fixture.put(`f${round}`, bytesOf(4_000_000, round));
    const { msg } = await daemon.says('degraded');
    assert.match(`${msg}`, /^link\.counter stands still while files are sent/);
  });

  test('while others take more than the target says so, and that the floor is sent', async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { capacity: '40 Mbit/s' } });
    // 24 Mbit/s of others: more than the target of 20, less than the capacity.
    const sink = createTcpServer((socket) => socket.resume().on('error', () => undefined)).listen(
      0,
      '127.0.0.1',
    );
    await once(sink, 'listening');
    const others = connect((sink.address() as AddressInfo).port, '127.0.0.1');
    const flood = setInterval(() => others.write(Buffer.alloc(150_000)), 50);
    t.after(() => {
      clearInterval(flood);
      others.destroy();
      sink.close();
    });
    await fixture.put('f', bytesOf(4_000_000));
    const isTold = ({ msg }: { msg?: string }) =>
      msg?.includes('others take more than the target: sending the floor') === true;
    await fixture.start().says('summary', isTold);
  });

  test('for a prefix that the store refuses says which files wait, and the others go', async (t) => {
    const fixture = await DaemonFixture.create(
      t,
      {},
      {
        ask: ({ operation, key }) => {
          if (operation === 'PutObject' && key.startsWith('theirs/'))
            throw new S3Error(403, 'AccessDenied', 'Access Denied');
        },
      },
    );
    for (let file = 0; file < 8; file += 1) await fixture.put(`theirs/${file}`, 'x');
    const daemon = fixture.start();
    const { msg } = await daemon.says('folderHeld');
    assert.match(
      `${msg}`,
      /^the files below theirs\/ wait, because the store refuses all of them: .*s3:PutObject/,
    );
    await fixture.put('ours', 'x');
    await daemon.says('uploaded', ({ file }) => file === 'ours');
    assert.deepEqual(daemon.of('paused'), []);
  });

  test('for a store whose object is another one says that nothing is proven, and the file stays', async (t) => {
    const fixture = await DaemonFixture.create(
      t,
      {},
      {
        head: (headers) => {
          for (const name of Object.keys(headers))
            if (/^etag$|^x-amz-checksum/i.test(name))
              headers[name] = name.toLowerCase() === 'etag' ? '"opaque"' : undefined;
        },
        ask: ({ operation, key, bucket }) => {
          if (operation === 'GetObject' && key === 'f') writeFileSync(bucket.fileOf('f'), 'other');
        },
      },
    );
    await fixture.put('f', 'mine!');
    const daemon = fixture.start();
    const { msg } = await daemon.says('deferred', ({ file }) => file === 'f');
    assert.match(`${msg}`, /cannot prove that the store holds the file/);
    assert.deepEqual(await fixture.spooled(), ['f']);
  });

  test('for a file that is too large says how large upload.maxMemory has to be', async (t) => {
    const fixture = await DaemonFixture.create(t, { upload: { maxMemory: '32 MiB' } });
    await fixture.put('huge', '');
    truncateSync(fixture.at('huge'), 4 * 1024 ** 4);
    const daemon = fixture.start();
    const { msg } = await daemon.says('quarantined');
    assert.match(`${msg}`, /the file is .*; the present upload\.maxMemory allows at most/);
  });
});

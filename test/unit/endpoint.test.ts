import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf } from '../../src/store/s3/endpoint.ts';
import { Fault } from '../../src/system/fault.ts';

for (const [endpoint, region, forcePathStyle, host, port] of [
  [undefined, 'eu-central-1', false, 'films.s3.eu-central-1.amazonaws.com', 443],
  [undefined, 'eu-central-1', true, 's3.eu-central-1.amazonaws.com', 443],
  ['http://127.0.0.1:9000', undefined, true, '127.0.0.1', 9000],
  ['http://[::1]:9000', 'us-east-1', true, '::1', 9000],
  ['https://s3.example.com', 'us-east-1', true, 's3.example.com', 443],
  ['http://s3.example.com', 'us-east-1', false, 'films.s3.example.com', 80],
] as const) {
  test(`requests for a bucket at ${endpoint ?? `AWS in ${region}`} go to ${host}:${port}`, async () => {
    assert.deepEqual(await endpointOf({ bucket: 'films', endpoint, region, forcePathStyle }), {
      protocol: endpoint?.startsWith('http:') ? 'http:' : 'https:',
      host,
      port,
    });
  });
}

const ARN = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/cam';
for (const [bucket, endpoint, host] of [
  [ARN, undefined, 'cam-123456789012.s3-accesspoint.eu-central-1.amazonaws.com'],
  [ARN, 'http://gateway.test', 'cam-123456789012.gateway.test'],
  ['tenant:inbound', 'http://ceph.test', 'ceph.test'],
  ['Camera_Archive', 'http://store.test', 'store.test'],
] as const) {
  test(`requests for ${bucket} at ${endpoint ?? 'AWS'} go to ${host}, whatever the path style`, async () => {
    for (const forcePathStyle of bucket === ARN ? [false, true] : [true]) {
      const options = { bucket, endpoint, region: 'us-east-1', forcePathStyle };
      assert.equal((await endpointOf(options)).host, host);
    }
  });
}

// The SDK throws a plain Error for such a region, which ended the daemon when it came with a reload.
test('a region that leads to no host is a Fault that says what to correct', async () => {
  const options = { bucket: 'films', endpoint: undefined, region: 'eu-central-1-', forcePathStyle: false };
  await assert.rejects(endpointOf(options), (error) => {
    assert.ok(error instanceof Fault);
    assert.match(error.message, /^no host to send to: .*[Rr]egion/);
    assert.match(String(error.hint), /s3\.region/);
    return true;
  });
});

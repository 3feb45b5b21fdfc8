import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf } from '../../src/store/endpoint.ts';

for (const [endpoint, region, forcePathStyle, host, port] of [
  [undefined, 'eu-central-1', false, 'films.s3.eu-central-1.amazonaws.com', 443],
  [undefined, 'eu-central-1', true, 's3.eu-central-1.amazonaws.com', 443],
  ['http://127.0.0.1:9000', undefined, true, '127.0.0.1', 9000],
  ['http://[::1]:9000', 'us-east-1', true, '::1', 9000],
  ['https://s3.example.com', 'us-east-1', true, 's3.example.com', 443],
  ['http://s3.example.com', 'us-east-1', false, 'films.s3.example.com', 80],
] as const) {
  test(`requests for a bucket at ${endpoint ?? `AWS in ${region}`} go to ${host}:${port}`, async () => {
    assert.deepEqual(await endpointOf({ bucket: 'films', endpoint, region, forcePathStyle }), { host, port });
  });
}

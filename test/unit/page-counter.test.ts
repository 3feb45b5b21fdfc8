// A metric on a page in Prometheus's text format, as a router or node_exporter shows it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { metricOn, readPage } from '../../src/link/page-counter.ts';

const PAGE = `# HELP node_network_transmit_bytes_total Network device statistic transmit_bytes.
# TYPE node_network_transmit_bytes_total counter
node_network_transmit_bytes_total{device="lan1"} 8.46208e+06
node_network_transmit_bytes_total{device="wan",note="a, \\"b\\""} 1.234567e+09 1700000000000
node_network_transmit_bytes_total{device="lan2"} 20
node_network_transmit_bytes_total_more{device="wan"} 7
wan_bytes 42
odd NaN
`;

const METRIC = 'node_network_transmit_bytes_total';
const url = 'http://router';

for (const [what, metric, labels, bytes] of [
  ['the series with the label', METRIC, { device: 'wan' }, 1_234_567_000],
  ['the sum of all series', METRIC, {}, 1_243_029_100],
  ['a metric without labels', 'wan_bytes', {}, 42],
  ['none for a label that is not there', METRIC, { device: 'ppp0' }, undefined],
  ['none for a metric that is not there', 'wan', {}, undefined],
  ['none for what is no number', 'odd', {}, undefined],
] as const)
  test(`finds ${what}`, () => {
    assert.equal(metricOn(PAGE, { url, metric, labels }), bytes);
  });

test('reads a page, or says what is wrong with it', async (t) => {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end(PAGE));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const options = { url: page, metric: 'wan_bytes', labels: {} };
  assert.deepEqual(await readPage(options), { bytes: 42 });
  assert.deepEqual(await readPage({ ...options, metric: 'none' }), {
    problem: `${page} does not show none with these labels`,
  });
  status = 503;
  assert.deepEqual(await readPage(options), { problem: `${page}: HTTP 503` });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const gone = await readPage(options);
  assert.match('problem' in gone ? gone.problem : '', /ECONNREFUSED/);
});

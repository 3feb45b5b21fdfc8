// What the ingest thread does with new options: no moment without an open door that could be avoided.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BacklogSize, IngestOptions } from '../../src/ingest/ingest-options.ts';
import { IngestService } from '../../src/ingest/ingest-service.ts';
import { SimClock } from '../support/sim-clock.ts';

function optionsAt(port: number, more: Partial<IngestOptions> = {}): IngestOptions {
  return {
    listen: { kind: 'tcp', addresses: ['127.0.0.1'], port },
    spoolPath: '/spool',
    ignore: [],
    tokensFile: '/tokens',
    tls: undefined,
    ...{ maxFileSizeBytes: 1, maxPathBytes: 1, maxConcurrent: 1, minFreeSpaceBytes: 1, syncsAtOnce: 1 },
    backlogLimit: undefined,
    ...more,
  };
}

const TLS = { certificate: '/c.pem', key: '/c.key' };

/** Notes what happens to its doors. */
function bench() {
  const steps: string[] = [];
  const refusals = new Map<string, Error>();
  const name = ({ listen, tls }: IngestOptions) =>
    `${listen.kind === 'tcp' ? `${listen.addresses}:${listen.port}` : listen.kind}${tls === undefined ? '' : ' tls'}`;
  const backlogs: BacklogSize[] = [];
  const service = new IngestService({
    clock: new SimClock(),
    onEvent: (event) => steps.push(event.kind === 'ingestListening' ? `listening ${event.urls}` : event.kind),
    openDoor: async (options) => {
      const where = name(options);
      const refusal = refusals.get(where);
      if (refusal !== undefined) throw refusal;
      steps.push(`open ${where}`);
      return {
        urls: [where],
        reconfigure: async (changed) => {
          steps.push(`reconfigure ${where} ${changed.maxConcurrent}`);
        },
        setBacklog: (backlog) => backlogs.push(backlog),
        close: async () => {
          steps.push(`close ${where}`);
        },
      };
    },
  });
  return { service, steps, refusals, backlogs };
}

test('other limits at the same place close nothing', async () => {
  const { service, steps } = bench();
  await service.serve(optionsAt(1));
  await service.serve(optionsAt(1, { maxConcurrent: 2 }));
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('listening')),
    ['open 127.0.0.1:1', 'reconfigure 127.0.0.1:1 2'],
  );
});

test('another port is open before the old one is closed', async () => {
  const { service, steps } = bench();
  await service.serve(optionsAt(1));
  await service.serve(optionsAt(2));
  assert.deepEqual(steps.slice(2, 4), ['open 127.0.0.1:2', 'close 127.0.0.1:1']);
});

test('the same port with TLS, or at other addresses, is opened once the old one is closed', async () => {
  const { service, steps } = bench();
  await service.serve(optionsAt(1));
  await service.serve(optionsAt(1, { tls: TLS }));
  await service.serve(optionsAt(1, { listen: { kind: 'tcp', addresses: ['0.0.0.0'], port: 1 } }));
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('listening')),
    [
      'open 127.0.0.1:1',
      'close 127.0.0.1:1',
      'open 127.0.0.1:1 tls',
      'close 127.0.0.1:1 tls',
      'open 0.0.0.0:1',
    ],
  );
});

test('a place that cannot be had leaves the old one open, also where that had to be closed first', async () => {
  const { service, steps, refusals } = bench();
  await service.serve(optionsAt(1));
  refusals.set('127.0.0.1:2', new Error('taken'));
  refusals.set('127.0.0.1:1 tls', new Error('no key'));
  await assert.rejects(service.serve(optionsAt(2)), /taken/);
  await assert.rejects(service.serve(optionsAt(1, { tls: TLS })), /no key/);
  assert.equal(steps.at(-1), 'open 127.0.0.1:1');
  await service.serve(optionsAt(1));
  assert.equal(steps.at(-2), 'reconfigure 127.0.0.1:1 1');
});

test('every door knows the backlog from its first request on', async () => {
  const { service, backlogs } = bench();
  const backlog = { files: 3, bytes: 30, oldestAgeMs: 5 };
  service.setBacklog(backlog);
  await service.serve(optionsAt(1));
  await service.serve(optionsAt(2));
  service.setBacklog({ ...backlog, files: 4 });
  assert.deepEqual(
    backlogs.map(({ files }) => files),
    [3, 3, 4],
  );
  await service.close();
  service.setBacklog(backlog);
  assert.equal(backlogs.length, 3);
});

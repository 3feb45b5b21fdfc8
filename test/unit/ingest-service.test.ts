// What the ingest thread does with its options.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BacklogSize, IngestOptions } from '../../src/ingest/ingest-options.ts';
import { IngestService } from '../../src/ingest/ingest-service.ts';
import { INGEST_OPTIONS as OPTIONS } from '../support/closed-ingest.ts';
import { SimClock } from '../support/sim-clock.ts';

const TLS = { certificate: '/c.pem', key: '/c.key' };

function bench() {
  const opened: IngestOptions[] = [];
  const backlogs: BacklogSize[] = [];
  const service = new IngestService({
    clock: new SimClock(),
    onEvent: () => undefined,
    openDoor: async (options) => {
      opened.push(options);
      return {
        urls: [`http://door-${opened.length}`],
        reconfigure: async () => undefined,
        setBacklog: (backlog) => backlogs.push(backlog),
        close: async () => undefined,
      };
    },
  });
  return { service, opened, backlogs };
}

test('a door is opened anew for another place and for TLS, and not for other limits', async () => {
  const { service, opened } = bench();
  await service.serve(OPTIONS);
  await service.serve({ ...OPTIONS, maxConcurrent: 2 });
  assert.equal(opened.length, 1);
  await service.serve({ ...OPTIONS, tls: TLS });
  const listening = await service.serve({ ...OPTIONS, tls: { ...TLS, key: '/other.key' } });
  assert.equal(opened.length, 2);
  await service.serve({ ...OPTIONS, listen: { kind: 'unix', path: '/run/in.sock' } });
  assert.equal(opened.length, 3);
  assert.deepEqual(listening, { urls: ['http://door-2'], isTls: true });
});

test('every door knows the backlog from its first request on', async () => {
  const { service, backlogs } = bench();
  const backlog = { files: 3, bytes: 30, oldestAgeMs: 5, scans: 1 };
  service.setBacklog(backlog);
  await service.serve(OPTIONS);
  await service.serve({ ...OPTIONS, listen: { kind: 'unix', path: '/run/in.sock' } });
  service.setBacklog({ ...backlog, files: 4 });
  assert.deepEqual(
    backlogs.map(({ files }) => files),
    [3, 3, 4],
  );
  await service.close();
  service.setBacklog(backlog);
  assert.equal(backlogs.length, 3);
});

test('TLS is not turned on at a socket from systemd, because closing it would lose the socket', async () => {
  const { service, opened } = bench();
  const listen = { kind: 'systemd', fd: 3, inode: 5 } as const;
  await service.serve({ ...OPTIONS, listen });
  await assert.rejects(service.serve({ ...OPTIONS, listen, tls: TLS }), { hint: /^Restart the service/ });
  assert.deepEqual([opened.length, service.isOpen], [1, true]);
});

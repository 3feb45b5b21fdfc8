// The main thread's side of files over HTTP: the drain never waits for it, and it comes back by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IngestEvent } from '../../src/ingest/ingest-event.ts';
import type { BacklogSize, IngestOptions } from '../../src/ingest/ingest-options.ts';
import type { IngestWorkerPorts } from '../../src/ingest/ingest-worker.ts';
import { Ingestion } from '../../src/ingest/ingestion.ts';
import { INGEST_OPTIONS as OPTIONS } from '../support/closed-ingest.ts';
import { SimClock } from '../support/sim-clock.ts';

const LISTENING = { urls: ['http://127.0.0.1:8080'], isTls: false };

/** Threads that serve unless `refusal` is set. */
class Bench {
  readonly clock = new SimClock();
  readonly events: IngestEvent[] = [];
  readonly served: IngestOptions[] = [];
  readonly backlogs: BacklogSize[] = [];
  threads: IngestWorkerPorts[] = [];
  closed = 0;
  refusal: Error | undefined;
  readonly ingestion: Ingestion;

  constructor() {
    this.ingestion = new Ingestion({
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      backlog: () => ({ files: this.backlogs.length, bytes: 0, oldestAgeMs: undefined, scans: 1 }),
      startWorker: async (ports) => {
        this.threads.push(ports);
        let isServing = false;
        return {
          get isServing() {
            return isServing;
          },
          serve: async (options) => {
            if (this.refusal !== undefined) throw this.refusal;
            isServing = true;
            this.served.push(options);
            return LISTENING;
          },
          setBacklog: (backlog) => this.backlogs.push(backlog),
          close: async () => {
            this.closed += 1;
          },
        };
      },
    });
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

test('no thread is started while ingest is off, and none is left when it is turned off', async () => {
  const { ingestion, threads, clock, events, ...bench } = new Bench();
  await ingestion.start(undefined);
  await clock.advance(100_000);
  assert.equal(threads.length, 0);
  assert.deepEqual(events, []);
  await (await ingestion.prepare(OPTIONS)).commit();
  assert.deepEqual([threads.length, bench.served], [1, [OPTIONS]]);
  await (await ingestion.prepare(undefined)).commit();
  await (await ingestion.prepare(undefined)).commit();
  assert.deepEqual(events, [
    { kind: 'ingestListening', ...LISTENING },
    { kind: 'ingestListening', urls: [], isTls: false },
  ]);
});

test('a start that cannot listen is told, does not reject, and is tried again, less and less often', async () => {
  const bench = new Bench();
  bench.refusal = new Error('the port is taken');
  await bench.ingestion.start(OPTIONS);
  assert.deepEqual(bench.kinds, ['ingestDown']);
  await bench.clock.advance(10_000);
  assert.equal(bench.events.length, 3);
  bench.refusal = undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.served, [OPTIONS]);
  assert.equal(bench.threads.length, 1);
});

test('what is turned off is told as off, also if it could never listen; the end of the daemon is not', async () => {
  const bench = new Bench();
  bench.refusal = new Error('the port is taken');
  await bench.ingestion.start(OPTIONS);
  await (await bench.ingestion.prepare(undefined)).commit();
  assert.deepEqual(bench.events.at(-1), { kind: 'ingestListening', urls: [], isTls: false });
  bench.refusal = undefined;
  await (await bench.ingestion.prepare(OPTIONS)).discard();
  assert.equal(bench.kinds.filter((kind) => kind === 'ingestListening').length, 1);
  await (await bench.ingestion.prepare(OPTIONS)).commit();
  await bench.ingestion.stop();
  assert.equal(bench.kinds.filter((kind) => kind === 'ingestListening').length, 2);
});

test('what could not listen is not told as turned off by an unrelated reload', async () => {
  const bench = new Bench();
  bench.refusal = new Error('the port is taken');
  await bench.ingestion.start(OPTIONS);
  await (await bench.ingestion.prepare(OPTIONS)).commit();
  await bench.clock.advance(1);
  assert.deepEqual(bench.kinds, ['ingestDown', 'ingestDown']);
});

test('a thread that breaks down is told and replaced', async () => {
  const bench = new Bench();
  await bench.ingestion.start(OPTIONS);
  bench.threads[0]?.onBroken(new Error('out of memory'));
  assert.deepEqual(bench.events.at(-1), { kind: 'ingestBroke', problem: 'out of memory' });
  await bench.clock.advance(1_500);
  assert.deepEqual(bench.kinds, ['ingestListening', 'ingestBroke', 'ingestListening']);
  assert.deepEqual(bench.served, [OPTIONS, OPTIONS]);
  assert.equal(bench.threads.length, 2);
});

test('the thread learns every second what waits in the spool, before its first request', async () => {
  const bench = new Bench();
  await bench.ingestion.start(OPTIONS);
  assert.equal(bench.backlogs.length, 1);
  await bench.clock.advance(5_100);
  assert.equal(bench.backlogs.length, 6);
  await bench.ingestion.stop();
  await bench.clock.advance(5_000);
  assert.deepEqual([bench.backlogs.length, bench.closed, bench.kinds], [6, 1, ['ingestListening']]);
});

test('a thread that is silent for long is told, and told as back when it reports again', async () => {
  const bench = new Bench();
  await bench.ingestion.start(OPTIONS);
  const report = () =>
    bench.threads[0]?.onEvent({
      kind: 'ingestState',
      receiving: 0,
      connections: 0,
      waitingSync: 0,
      receivedBytes: 0,
    });
  await bench.clock.advance(29_500);
  report();
  await bench.clock.advance(29_500);
  assert.deepEqual(bench.kinds, ['ingestListening', 'ingestState']);
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.kinds.slice(2), ['ingestDown']);
  report();
  assert.deepEqual(bench.kinds.slice(3), ['ingestState', 'ingestListening']);
  assert.equal(bench.threads.length, 1);
});

test('the socket of systemd is listened at once: not again after a breakdown, nor with HTTPS instead of HTTP', async () => {
  const handed: IngestOptions = { ...OPTIONS, listen: { kind: 'systemd', fd: 3 } };
  const tls = { certificate: '/c', key: '/k' };
  const bench = new Bench();
  const { ingestion, served } = bench;
  await ingestion.start(handed);
  await (await ingestion.prepare({ ...handed, maxConcurrent: 2 })).commit();
  assert.equal(served.length, 2, 'other options at the same socket are in order');
  await assert.rejects(ingestion.prepare({ ...handed, tls }), {
    message: 'the socket that systemd has handed over cannot change between HTTP and HTTPS',
    hint: 'Restart the service: systemd then hands it over again',
  });
  const before = served.length;
  bench.threads[0]?.onBroken(new Error('out of memory'));
  await bench.clock.advance(60_000);
  assert.equal(served.length, before, 'the descriptor may be that of another socket now');
  assert.match(JSON.stringify(bench.kinds), /"ingestBroke","ingestDown"/);
  await (await ingestion.prepare(OPTIONS)).commit();
  assert.equal(served.length, before + 1, 'a port of its own is served');
  await assert.rejects(ingestion.prepare(handed), {
    message: 'the socket that systemd has handed over is closed',
  });
  await ingestion.stop();
});

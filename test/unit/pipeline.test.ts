// Which transfers may go on, and that one that ends, whichever way, leaves its room to others.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Pipeline, type PipelineSlot } from '../../src/drain/pipeline.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A pipeline, what is being sent in it, by name, and how it ends. */
class Trip {
  limit = 1;
  rateBytesPerSec = 1_000;
  ahead = 1_000;
  moves = 0;
  readonly abort = new AbortController();
  readonly sending = new Map<string, () => void>();
  readonly pipeline = new Pipeline(
    { limit: () => this.limit, ahead: () => this.ahead, rateBytesPerSec: () => this.rateBytesPerSec },
    () => {
      this.moves += 1;
    },
  );

  async go(name: string, slot: PipelineSlot): Promise<Promise<string>> {
    const send = () =>
      new Promise<string>((resolve) => this.sending.set(name, () => resolve(`${name} is sent`)));
    const sent = this.pipeline.whileSending(slot, this.abort.signal, send);
    sent.catch(() => undefined);
    await settle();
    return sent;
  }

  async begin(name: string, isWhole = true): Promise<PipelineSlot> {
    const slot = this.pipeline.enter(1, isWhole);
    void this.go(name, slot);
    await settle();
    return slot;
  }

  async finish(name: string): Promise<void> {
    this.sending.get(name)?.();
    this.sending.delete(name);
    await settle();
  }

  get names(): string[] {
    return [...this.sending.keys()];
  }
}

test('as many are sent as the limit allows, in the order in which they were ready', async () => {
  const trip = new Trip();
  for (const name of ['a', 'b', 'c']) await trip.begin(name);
  assert.deepEqual([trip.names, trip.pipeline.sending, trip.pipeline.ready], [['a'], 1, 2]);
  await trip.finish('a');
  assert.deepEqual([trip.names, trip.pipeline.sending, trip.pipeline.ready], [['b'], 1, 1]);
  trip.limit = 2;
  trip.pipeline.grant();
  await settle();
  assert.deepEqual([trip.names, trip.pipeline.sending, trip.pipeline.ready], [['b', 'c'], 2, 0]);
});

test('beside files in parts, which may take days, one whole file may always be sent, and one alone', async () => {
  const trip = new Trip();
  await trip.begin('parts', false);
  await trip.begin('more parts', false);
  await trip.begin('whole');
  await trip.begin('another');
  assert.deepEqual(trip.names, ['parts', 'whole']);
  await trip.finish('whole');
  assert.deepEqual(trip.names, ['parts', 'another']);
  await trip.finish('parts');
  assert.deepEqual(trip.names, ['another'], 'the limit is taken by the whole file');
});

test('a turn that failed is kept until the transfer leaves, when it is known what the failure means', async () => {
  const trip = new Trip();
  const slot = trip.pipeline.enter(1, true);
  const fails = trip.pipeline.whileSending(slot, trip.abort.signal, () => Promise.reject(new Error('no')));
  await assert.rejects(fails, /no/);
  assert.equal(trip.pipeline.sending, 1);
  trip.pipeline.leave(slot);
  assert.equal(trip.pipeline.sending, 0);
});

test('one that is given up before its turn rejects with the reason and waits no more', async () => {
  const trip = new Trip();
  await trip.begin('a');
  const slot = trip.pipeline.enter(1, true);
  const sent = trip.pipeline.whileSending(slot, trip.abort.signal, async () => 'b');
  assert.equal(trip.pipeline.ready, 1);
  trip.pipeline.giveUp(slot, new Error('given up'));
  await assert.rejects(sent, /given up/);
  assert.equal(trip.pipeline.ready, 0);
  trip.abort.abort(new Error('too late'));
  const late = trip.pipeline.whileSending(trip.pipeline.enter(1, true), trip.abort.signal, async () => 'c');
  await assert.rejects(late, /too late/);
});

test('one that has its turn is not given up', async () => {
  const trip = new Trip();
  const slot = trip.pipeline.enter(1, true);
  const sent = trip.pipeline.whileSending(slot, trip.abort.signal, async () => {
    await settle();
    return 'b';
  });
  trip.pipeline.giveUp(slot, new Error('given up'));
  assert.equal(await sent, 'b');
});

test('a whole file passes parts that wait for their turn, if it is the only one', async () => {
  const trip = new Trip();
  await trip.begin('parts', false);
  await trip.begin('more parts', false);
  await trip.begin('whole');
  assert.deepEqual([trip.names, trip.pipeline.ready], [['parts', 'whole'], 1]);
});

test('what is read ahead is half a second of the line, in the bytes of files that are sent whole', () => {
  const trip = new Trip();
  trip.limit = 0;
  const { pipeline } = trip;
  const parts = pipeline.enter(1_000_000, false);
  assert.equal(pipeline.hasRoom, true);
  const first = pipeline.enter(499, true);
  assert.equal(pipeline.hasRoom, true);
  const second = pipeline.enter(1, true);
  assert.equal(pipeline.hasRoom, false);
  pipeline.leave(second);
  assert.equal(pipeline.hasRoom, true);
  pipeline.leave(first);
  pipeline.leave(parts);
});

test('fewer files are read ahead if fewer are asked for, but one for each that may send', () => {
  const trip = new Trip();
  trip.ahead = 2;
  trip.limit = 3;
  for (let files = 0; files < 2; files += 1) trip.pipeline.enter(0, true);
  assert.equal(trip.pipeline.hasRoom, true, 'three may send');
  trip.pipeline.enter(0, true);
  assert.equal(trip.pipeline.hasRoom, false);
});

test('no more than 256 files are read ahead, however small they are', () => {
  const trip = new Trip();
  trip.limit = 0;
  for (let files = 0; files < 255; files += 1) trip.pipeline.enter(0, true);
  assert.equal(trip.pipeline.hasRoom, true);
  trip.pipeline.enter(0, true);
  assert.equal(trip.pipeline.hasRoom, false);
});

test('where the line takes nothing ahead, one begins for each that may send', async () => {
  const trip = new Trip();
  [trip.limit, trip.rateBytesPerSec] = [2, 0];
  assert.equal(trip.pipeline.hasRoom, true);
  trip.pipeline.enter(1, true);
  assert.equal(trip.pipeline.hasRoom, true);
  await trip.begin('a');
  assert.equal(trip.pipeline.hasRoom, false);
});

test('256 on their way out are enough, and each that leaves makes room', async () => {
  const trip = new Trip();
  const passages: PipelineSlot[] = [];
  for (let files = 0; files < 256; files += 1) {
    assert.equal(trip.pipeline.hasRoom, true);
    passages.push(await trip.begin(`${files}`));
    await trip.finish(`${files}`);
  }
  assert.equal(trip.pipeline.hasRoom, false);
  for (const slot of passages.slice(0, 1)) trip.pipeline.leave(slot);
  assert.equal(trip.pipeline.hasRoom, true);
});

test('says that there may be room when one begins to send, and when it is sent', async () => {
  const trip = new Trip();
  await trip.begin('a');
  assert.equal(trip.moves, 1);
  await trip.finish('a');
  assert.equal(trip.moves, 2);
});

// What is opened by the config: its failure keeps nothing else from working, and it comes back by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptOpen } from '../../src/system/kept-open.ts';
import { SimClock } from '../support/sim-clock.ts';

/** Can be opened unless `refusal` is set. */
class Bench {
  readonly clock = new SimClock();
  readonly steps: string[] = [];
  readonly failures: unknown[] = [];
  isOpen = false;
  changes = 0;
  refusal: Error | undefined;
  readonly kept = new KeptOpen<string>(
    this.clock,
    {
      isOpen: () => this.isOpen,
      serve: async (options) => {
        if (this.refusal !== undefined) throw this.refusal;
        this.isOpen = true;
        this.steps.push(`serve ${options}`);
      },
      close: async () => {
        this.isOpen = false;
        this.steps.push('close');
      },
    },
    {
      onFailure: (error) => this.failures.push(error),
      onChange: () => {
        this.changes += 1;
      },
    },
  );

  /** It ends by itself. */
  lose(): void {
    this.isOpen = false;
    this.kept.lost();
  }
}

test('what cannot be opened at the start is told, and tried again, less and less often', async () => {
  const bench = new Bench();
  bench.refusal = new Error('taken');
  await bench.kept.start('a');
  assert.deepEqual([bench.failures.length, bench.kept.isOpen], [1, false]);
  await bench.clock.advance(2_000 + 4_000 + 8_000 + 1);
  assert.equal(bench.failures.length, 4);
  await bench.clock.advance(3_600_000);
  assert.ok(bench.failures.length < 4 + 65);
  bench.refusal = undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual([bench.steps, bench.kept.isOpen], [['serve a'], true]);
});

test('what is open, or off, is left alone', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  await bench.clock.advance(3_600_000);
  const off = new Bench();
  await off.kept.start(undefined);
  await off.clock.advance(3_600_000);
  assert.deepEqual([bench.steps, off.steps, off.failures], [['serve a'], [], []]);
});

test('options that cannot be served are refused, and the old ones stay', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  bench.refusal = new Error('no');
  await assert.rejects(bench.kept.prepare('b'), /no/);
  bench.refusal = undefined;
  await bench.clock.advance(3_600_000);
  assert.deepEqual([bench.steps, bench.kept.isOpen], [['serve a'], true]);
});

test('the first options, if refused, leave nothing open', async () => {
  const bench = new Bench();
  await bench.kept.start(undefined);
  bench.refusal = new Error('no');
  await assert.rejects(bench.kept.prepare('a'));
  await bench.clock.advance(3_600_000);
  assert.deepEqual(bench.steps, ['close']);
});

test('a change that is refused elsewhere goes back to the old options', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  await (await bench.kept.prepare('b')).discard();
  assert.deepEqual(bench.steps, ['serve a', 'serve b', 'serve a']);
  await (await bench.kept.prepare(undefined)).discard();
  assert.deepEqual(bench.steps, ['serve a', 'serve b', 'serve a']);
  await (await bench.kept.prepare(undefined)).commit();
  assert.deepEqual([bench.steps.at(-1), bench.kept.isOpen], ['close', false]);
});

test('an unrelated change is not refused for options that failed before; they are tried again', async () => {
  const bench = new Bench();
  bench.refusal = new Error('taken');
  await bench.kept.start('a');
  const prepared = await bench.kept.prepare('a');
  bench.refusal = undefined;
  await prepared.commit();
  await bench.clock.advance(1);
  assert.deepEqual(bench.steps, ['serve a']);
});

test('options that are in force are served again, because the files they name may have changed', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  await (await bench.kept.prepare('a')).commit();
  assert.deepEqual(bench.steps, ['serve a', 'serve a']);
});

test('what has ended by itself is opened again; what was stopped is not', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  bench.lose();
  await bench.clock.advance(1_001);
  assert.deepEqual(bench.steps, ['serve a', 'serve a']);
  bench.lose();
  await bench.kept.stop();
  await bench.clock.advance(3_600_000);
  assert.deepEqual(bench.steps, ['serve a', 'serve a', 'close']);
  assert.equal(bench.changes, 2);
});

test('what ends by itself while a change is being prepared is opened again after the change', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  const prepared = await bench.kept.prepare('b');
  bench.lose();
  await prepared.commit();
  await bench.clock.advance(60_000);
  assert.deepEqual([bench.steps, bench.kept.isOpen], [['serve a', 'serve b', 'serve b'], true]);
});

test('a change that is made after the stop opens nothing', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  const prepared = await bench.kept.prepare('b');
  await bench.kept.stop();
  await prepared.commit();
  await bench.clock.advance(3_600_000);
  assert.deepEqual([bench.isOpen, bench.steps.at(-1)], [false, 'close']);
});

test('a refused change that has closed what was open is told, and the old options are tried again', async () => {
  const bench = new Bench();
  await bench.kept.start('a');
  const refusal = new Error('neither b nor a can be had');
  bench.refusal = refusal;
  bench.isOpen = false;
  await assert.rejects(bench.kept.prepare('b'), refusal);
  assert.deepEqual([bench.failures, bench.kept.isOpen], [[refusal], false]);
  bench.refusal = undefined;
  await bench.clock.advance(10_000);
  assert.deepEqual([bench.steps, bench.kept.isOpen], [['serve a', 'serve a'], true]);
});

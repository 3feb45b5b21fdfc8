import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { ReadStream } from 'node:tty';
import { Keyboard } from '../../src/commands/keyboard.ts';
import { KEYS_HELP, TopKeys } from '../../src/commands/top-keys.ts';
import type { Order } from '../../src/control/order.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function keysWith(answer: { text: string; warning: string | null } | Error) {
  const given: Order[] = [];
  const state = { nowMs: 0, quits: 0 };
  const keys = new TopKeys({
    clock: { monotonicMs: () => state.nowMs },
    give: async (order) => {
      given.push(order);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onQuit: () => {
      state.quits += 1;
    },
  });
  return { keys, given, state };
}

test('keys give orders: a pause that ends by itself, resume, and another try for all', () => {
  const { keys, given, state } = keysWith({ text: 'done', warning: null });
  for (const key of ['p', 'R', 't', 'x', ' ']) keys.press(key);
  assert.deepEqual(given, [
    { order: 'pause', forMs: 3_600_000 },
    { order: 'resume' },
    { order: 'retry', paths: [] },
  ]);
  assert.equal(state.quits, 0);
});

test('q, Ctrl-C and Ctrl-D quit', () => {
  const { keys, state } = keysWith({ text: 'done', warning: null });
  for (const key of ['q', 'Q', '\x03', '\x04']) keys.press(key);
  assert.equal(state.quits, 4);
});

for (const { what, answer, line } of [
  { what: 'the daemon’s answer', answer: { text: 'paused', warning: null }, line: 'paused' },
  { what: 'its warning', answer: { text: 'paused', warning: 'but …' }, line: 'paused; but …' },
  { what: 'a failure', answer: new Error('it is gone'), line: 'not possible now: it is gone' },
])
  test(`what became of a key is told for 15 s: ${what}`, async () => {
    const { keys, state } = keysWith(answer);
    assert.deepEqual(keys.footer, [KEYS_HELP]);
    keys.press('p');
    await turn();
    assert.deepEqual(keys.footer, [line, KEYS_HELP]);
    state.nowMs = 15_001;
    assert.deepEqual(keys.footer, [KEYS_HELP]);
  });

class FakeInput extends EventEmitter {
  isTTY = true;
  raw = false;
  flowing = false;
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  resume(): void {
    this.flowing = true;
  }
  pause(): void {
    this.flowing = false;
  }
}

test('a keyboard reads single keys, no arrows, and gives the terminal back', () => {
  const input = new FakeInput();
  const pressed: string[] = [];
  const keyboard = new Keyboard(input as unknown as ReadStream, (key) => pressed.push(key));
  keyboard.start();
  assert.deepEqual([input.raw, input.flowing, keyboard.isReading], [true, true, true]);
  for (const data of ['pr', '\x1b[A', 'q']) input.emit('data', Buffer.from(data));
  assert.deepEqual(pressed, ['p', 'r', 'q']);
  keyboard.stop();
  keyboard.stop();
  assert.deepEqual([input.raw, input.flowing, keyboard.isReading], [false, false, false]);
  assert.equal(input.listenerCount('data'), 0);
});

test('without a terminal, the input is left alone', () => {
  const input = new FakeInput();
  input.isTTY = false;
  const keyboard = new Keyboard(input as unknown as ReadStream, () => undefined);
  keyboard.start();
  assert.deepEqual([input.raw, input.flowing, keyboard.isReading], [false, false, false]);
});

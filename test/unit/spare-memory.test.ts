import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpareMemory } from '../../src/service/spare-memory.ts';

const MIB = 1024 ** 2;

function daemon() {
  const state = { residentMib: 130, givenBack: 0, active: 0, sent: 0 };
  const giveBack = () => {
    state.givenBack += 1;
    state.residentMib = 110;
  };
  const spare = new SpareMemory(giveBack, () => state.residentMib * MIB);
  const pass = (seconds: number) => {
    for (let look = 0; look < seconds / 2; look += 1) spare.look(state);
  };
  return { state, pass };
}

test('gives memory back once after half a minute without work', () => {
  const { state, pass } = daemon();
  pass(28);
  assert.equal(state.givenBack, 0);
  pass(600);
  assert.equal(state.givenBack, 1);
});

test('never while files are being sent, nor soon after', () => {
  const { state, pass } = daemon();
  state.active = 1;
  pass(600);
  state.active = 0;
  pass(28);
  // A file that came and went between two looks.
  state.sent += 1;
  pass(28);
  assert.equal(state.givenBack, 0);
  pass(4);
  assert.equal(state.givenBack, 1);
});

test('a second time only when memory has grown', () => {
  const { state, pass } = daemon();
  pass(60);
  state.residentMib = 117;
  pass(60);
  assert.equal(state.givenBack, 1);
  state.residentMib = 118;
  pass(60);
  assert.equal(state.givenBack, 2);
});

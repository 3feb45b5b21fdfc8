// What the store is asked with an object of our own, and who hears the answer.
import assert from 'node:assert/strict';
import test from 'node:test';
import { StoreTrial, type TrialAnswer } from '../../src/drain/store-trial.ts';
import { FakeStore, faultOf } from '../support/drain-bench.ts';
import { SimClock } from '../support/sim-clock.ts';

const REFUSED = faultOf('breaker');

function prepare() {
  const clock = new SimClock();
  const store = new FakeStore(new Map());
  return { clock, store, trial: new StoreTrial(clock, store) };
}

/** An answer, once there is one. */
function heard(answer: Promise<TrialAnswer>): TrialAnswer[] {
  const found: TrialAnswer[] = [];
  void answer.then((said) => found.push(said));
  return found;
}

const forever = () => new Promise<never>(() => undefined);

/** What comes when it is told to. */
function held() {
  const waiting: (() => void)[] = [];
  const answer = () => new Promise<void>((resolve) => waiting.push(resolve));
  const finish = () => {
    for (const go of waiting.splice(0)) go();
  };
  return { answer, finish };
}

test('no answer within 30 seconds is a fault, and ends the request', async () => {
  const { clock, store, trial } = prepare();
  let given: AbortSignal | undefined;
  store.onProbe = (signal) => {
    given = signal;
    return forever();
  };
  const answers = heard(trial.reach());
  await clock.advance(29_999);
  assert.deepEqual([answers, given?.aborted], [[], false]);
  await clock.advance(1);
  assert.equal(typeof answers[0], 'object');
  assert.equal(given?.aborted, true);
});

test('the first answer is known when a store has answered, whatever it said; no timer stays', async () => {
  const { clock, store, trial } = prepare();
  store.onProbe = () => Promise.reject(REFUSED);
  let known = false;
  void trial.firstAnswer.then(() => {
    known = true;
  });
  await clock.advance(0);
  assert.equal(known, false);
  assert.equal(await trial.reach(), REFUSED);
  await clock.advance(0);
  assert.deepEqual([known, clock.pending], [true, 0]);
});

test('whoever asks meanwhile gets the same answer, and the next one asks anew', async () => {
  const { clock, store, trial } = prepare();
  const { answer, finish } = held();
  store.onTrial = answer;
  const both = [heard(trial.ask(() => [])), heard(trial.ask(() => []))];
  await clock.advance(0);
  assert.equal(trial.isAsking, true);
  finish();
  await clock.advance(0);
  assert.deepEqual(both, [['passed'], ['passed']]);
  assert.deepEqual([store.trials, trial.isAsking], [[''], false]);
  void trial.ask(() => []);
  assert.equal(store.trials.length, 2);
});

test('asks below the prefix and then in other folders, until one passes, which is asked first the next time', async () => {
  const { store, trial } = prepare();
  store.onTrial = async (folder) => {
    if (folder !== 'b/') throw REFUSED;
  };
  const others = () => ['a/', 'b/', 'c/'];
  assert.equal(await trial.ask(others), 'passed');
  assert.deepEqual(store.trials.splice(0), ['', 'a/', 'b/']);
  assert.equal(await trial.ask(others), 'passed');
  assert.deepEqual(store.trials.splice(0), ['b/']);
  store.onTrial = () => Promise.reject(REFUSED);
  assert.equal(await trial.ask(others), REFUSED);
  assert.deepEqual(store.trials, ['b/', '', 'a/', 'c/']);
});

test('asks in four other folders at most, and tells the first answer', async () => {
  const { store, trial } = prepare();
  store.onTrial = (folder) => Promise.reject(folder === '' ? REFUSED : faultOf('breaker'));
  assert.equal(await trial.ask(() => ['a/', 'b/', 'c/', 'd/', 'e/']), REFUSED);
  assert.deepEqual(store.trials, ['', 'a/', 'b/', 'c/', 'd/']);
});

test('where the store cannot be reached, no other folder is asked', async () => {
  const { store, trial } = prepare();
  store.onTrial = () => Promise.reject(faultOf('transient'));
  await trial.ask(() => ['a/']);
  assert.deepEqual(store.trials, ['']);
});

test('a stop ends what is asked, and nothing is asked any more', async () => {
  const { clock, store, trial } = prepare();
  const signals: AbortSignal[] = [];
  store.onTrial = (_, signal) => {
    signals.push(signal);
    return forever();
  };
  const answers = heard(trial.ask(() => ['a/']));
  await clock.advance(0);
  trial.stop();
  await clock.advance(0);
  assert.deepEqual([answers, signals.map(({ aborted }) => aborted)], [['ended'], [true]]);
  assert.equal(await trial.ask(() => []), 'ended');
  assert.deepEqual([store.trials, clock.pending], [[''], 0]);
});

test('another store is asked at once, and nothing is heard of the former one', async () => {
  const { clock, store, trial } = prepare();
  store.onTrial = forever;
  const former = heard(trial.ask(() => []));
  const next = new FakeStore(new Map());
  const { answer, finish } = held();
  next.onTrial = answer;
  trial.setStore(next);
  const first = heard(trial.ask(() => []));
  await clock.advance(0);
  assert.deepEqual([former, next.trials], [['ended'], ['']]);
  const second = heard(trial.ask(() => []));
  assert.equal(next.trials.length, 1, 'the end of the former trial leaves the new one shared');
  finish();
  await clock.advance(0);
  assert.deepEqual([first, second], [['passed'], ['passed']]);
});

test('another store is asked below the prefix first, wherever the former one took something', async () => {
  const { store, trial } = prepare();
  store.onTrial = (folder) => (folder === '' ? Promise.reject(REFUSED) : Promise.resolve());
  await trial.ask(() => ['a/']);
  const next = new FakeStore(new Map());
  trial.setStore(next);
  await trial.ask(() => []);
  assert.deepEqual(next.trials, ['']);
});

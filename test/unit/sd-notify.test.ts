import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SdNotifier } from '../../src/service/sd-notify.ts';
import { redactorOf } from '../../src/system/redact.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock, settlePromises } from '../support/sim-clock.ts';

const redact = redactorOf({ AWS_SECRET_ACCESS_KEY: 'secret-8' });

function notifier() {
  const clock = new SimClock();
  const log = new KeptLog();
  const sent: string[] = [];
  const manager = { answer: Promise.resolve() };
  const send = (variables: readonly string[]) => {
    sent.push(variables.join('|'));
    return manager.answer;
  };
  return {
    clock,
    log,
    sent,
    manager,
    sd: new SdNotifier({ send, clock, log, redact, kernelMonotonicUsec: () => 42n }),
  };
}

test('says each thing as sd_notify(3) wants it, in order', async () => {
  const { sent, sd } = notifier();
  void sd.ready('idle');
  void sd.reloading();
  void sd.ready('idle');
  void sd.watchdog();
  void sd.stopping('2 uploads left');
  await sd.extendTimeout(1500);
  assert.deepEqual(sent, [
    'READY=1|STATUS=idle',
    'RELOADING=1|MONOTONIC_USEC=42',
    'READY=1|STATUS=idle',
    'WATCHDOG=1',
    'STOPPING=1|STATUS=2 uploads left',
    'EXTEND_TIMEOUT_USEC=1500000',
  ]);
});

test('one message is under way at a time', async () => {
  const { sent, manager, sd } = notifier();
  const { promise, resolve } = gate();
  manager.answer = promise;
  void sd.ready('a');
  const last = sd.reloading();
  await settlePromises();
  assert.equal(sent.length, 1);
  resolve();
  await last;
  assert.equal(sent.length, 2);
});

test('of many status texts the first leaves at once and the latest two seconds later', async () => {
  const { clock, sent, sd } = notifier();
  for (let i = 0; i < 100; i += 1) sd.status(`draining ${i}`);
  await settlePromises();
  assert.deepEqual(sent, ['STATUS=draining 0']);
  await clock.advance(1_999);
  assert.equal(sent.length, 1);
  await clock.advance(1);
  assert.deepEqual(sent.slice(1), ['STATUS=draining 99']);
  await clock.advance(60_000);
  assert.equal(sent.length, 2);
});

test('a status that stands there already is not sent again', async () => {
  const { clock, sent, sd } = notifier();
  await sd.ready('idle');
  for (let i = 0; i < 10; i += 1) {
    sd.status('idle');
    await clock.advance(2_000);
  }
  sd.status('draining');
  await settlePromises();
  sd.remark('refused');
  await clock.advance(2_000);
  sd.status('draining');
  await settlePromises();
  assert.deepEqual(sent.slice(1), ['STATUS=draining', 'STATUS=draining · refused']);
});

test('status texts do not pile up while the manager is slow', async () => {
  const { clock, sent, manager, sd } = notifier();
  const { promise, resolve } = gate();
  manager.answer = promise;
  sd.status('first');
  for (let i = 0; i < 100; i += 1) {
    sd.status(`draining ${i}`);
    await clock.advance(1_000);
  }
  assert.equal(sent.length, 1);
  resolve();
  await settlePromises();
  await clock.advance(2_000);
  assert.deepEqual(sent, ['STATUS=first', 'STATUS=draining 99']);
});

test('pings do not pile up while the manager is slow', async () => {
  const { sent, manager, sd } = notifier();
  const { promise, resolve } = gate();
  manager.answer = promise;
  for (let i = 0; i < 10; i += 1) void sd.watchdog();
  resolve();
  await sd.reloading();
  await sd.watchdog();
  assert.deepEqual(sent, ['WATCHDOG=1', 'RELOADING=1|MONOTONIC_USEC=42', 'WATCHDOG=1']);
});

test('a status cannot smuggle in a message of its own', async () => {
  const { sent, sd } = notifier();
  await sd.ready('draining a\nMAINPID=1');
  assert.deepEqual(sent, ['READY=1|STATUS=draining a\\x0aMAINPID=1']);
});

test('no status and no remark holds a secret', async () => {
  const { sent, sd } = notifier();
  sd.remark('the last reload was refused: secret-8 is no region');
  await sd.ready('draining is paused: secret-8');
  assert.deepEqual(sent, [
    'READY=1|STATUS=draining is paused: [redacted] · the last reload was refused: [redacted] is no region',
  ]);
});

test('a remark stands behind every status until it is taken away', async () => {
  const { sent, sd } = notifier();
  sd.remark('the last reload was refused: no\nMAINPID=1');
  await sd.ready('idle');
  sd.remark('');
  await sd.ready('idle');
  assert.deepEqual(sent, [
    'READY=1|STATUS=idle · the last reload was refused: no\\x0aMAINPID=1',
    'READY=1|STATUS=idle',
  ]);
});

test('a status that comes late does not overwrite the farewell', async () => {
  const { clock, sent, sd } = notifier();
  sd.status('draining');
  sd.status('draining on');
  await sd.stopping('stopping');
  sd.status('draining still');
  await clock.advance(10_000);
  assert.deepEqual(sent, ['STATUS=draining', 'STOPPING=1|STATUS=stopping']);
});

test('a manager that cannot be reached is reported once until it answers again', async () => {
  const { log, manager, sd } = notifier();
  const refuse = () => {
    manager.answer = Promise.reject(new Error('no such file'));
    return sd.watchdog();
  };
  await refuse();
  await refuse();
  assert.deepEqual(log.events, ['notifyFailed']);
  manager.answer = Promise.resolve();
  await sd.watchdog();
  await refuse();
  assert.deepEqual(log.events, ['notifyFailed', 'notifyFailed']);
});

test('without a manager nothing is sent and nothing fails', async () => {
  const log = new KeptLog();
  const sd = new SdNotifier({
    send: undefined,
    clock: new SimClock(),
    log,
    redact,
    kernelMonotonicUsec: () => 0n,
  });
  sd.status('x');
  await Promise.all([sd.ready('x'), sd.reloading(), sd.watchdog(), sd.extendTimeout(1), sd.stopping('x')]);
  assert.deepEqual(log.records, []);
});

function gate(): { promise: Promise<void>; resolve: () => void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, resolve: () => open() };
}

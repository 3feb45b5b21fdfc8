import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { carry, uncarry } from '../../src/system/carried-error.ts';
import { Fault } from '../../src/system/fault.ts';

const across = (error: unknown) => uncarry(structuredClone(carry(error)));

test('a Fault arrives as a Fault, with all it says and its cause', () => {
  const cause = Object.assign(new Error('no such device'), { code: 'ENODEV', errno: -19, syscall: 'read' });
  const details = {
    operation: 'find the link',
    subject: 'eth7',
    hint: 'Set link.interface.',
    code: 'NoLink',
  };
  const fault = new Fault('file', 'there is no eth7', { ...details, cause, retryAfterMs: 1_500 });
  const arrived = across(fault);
  assert.ok(arrived instanceof Fault);
  assert.deepEqual({ ...arrived, message: arrived.message }, { ...fault, message: fault.message });
  assert.ok(arrived.cause instanceof Error);
  assert.deepEqual({ ...arrived.cause }, { ...cause });
  assert.equal(arrived.cause.message, 'no such device');
});

test('a Fault without a hint or a cause has none afterwards', () => {
  const arrived = across(new Fault('transient', 'busy', { operation: 'put', subject: 'x' }));
  assert.ok(arrived instanceof Fault);
  assert.deepEqual([arrived.hint, arrived.cause, arrived.code], [undefined, undefined, undefined]);
});

test('an error of Node keeps its name, code and stack', () => {
  const error = Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_URL', input: 'x', port: 7 });
  const arrived = across(error);
  assert.ok(arrived instanceof Error && !(arrived instanceof Fault));
  assert.deepEqual({ ...arrived }, { code: 'ERR_INVALID_URL', input: 'x', port: 7 });
  assert.deepEqual([arrived.name, arrived.message, arrived.stack], ['TypeError', 'bad', error.stack]);
});

test('what cannot be cloned is left behind: sockets, functions, certificates', async () => {
  const socket = connect(1);
  const error = Object.assign(new Error('refused'), {
    code: 'X',
    socket,
    retry: () => 1,
    cert: { raw: [1] },
  });
  socket.on('error', () => undefined);
  assert.deepEqual({ ...across(error) }, { code: 'X' });
});

test('an AggregateError keeps what each address said', () => {
  const refused = (address: string) => Object.assign(new Error(address), { code: 'ECONNREFUSED', address });
  const all = Object.assign(new AggregateError([refused('::1'), refused('127.0.0.1')]), {
    code: 'ECONNREFUSED',
  });
  const arrived = across(all);
  assert.ok(arrived instanceof AggregateError);
  assert.equal((arrived as Error & { code?: string }).code, 'ECONNREFUSED');
  assert.deepEqual(
    arrived.errors.map(({ address, code }) => [address, code]),
    [
      ['::1', 'ECONNREFUSED'],
      ['127.0.0.1', 'ECONNREFUSED'],
    ],
  );
});

test('an error that is its own cause arrives, with an end to its causes', () => {
  const error = new Error('round and round');
  error.cause = error;
  let arrived: unknown = across(error);
  let causes = 0;
  for (; arrived instanceof Error; arrived = arrived.cause) causes += 1;
  assert.ok(causes > 1 && causes < 20);
});

test('anything else that was thrown arrives as an Error that quotes it', () => {
  assert.equal(across('no').message, 'no');
  assert.equal(across(undefined).message, 'undefined');
  assert.match(across(Object.create(null)).message, /null prototype/);
});

// How a fault is put to people.
import assert from 'node:assert/strict';
import test from 'node:test';
import { explain, Fault, withoutHint } from '../../src/system/fault.ts';

const details = { operation: 'open', subject: 'f' };
for (const [what, error, expected] of [
  ['what to do after what happened', fault('no route', 'Is the network up?'), 'no route. Is the network up?'],
  ['a hint once', fault('no access: give it', 'give it'), 'no access: give it'],
  ['one full stop', fault('The bucket does not exist.', 'create it'), 'The bucket does not exist. create it'],
  ['an error that is no fault', new Error('odd'), 'odd'],
] as const) {
  test(`says ${what}`, () => assert.equal(explain(error), expected));
}

function fault(message: string, hint: string): Fault {
  return new Fault('breaker', message, { ...details, hint });
}

test('a hint that ends a message in parentheses can be taken off it', () => {
  assert.equal(
    withoutHint({ message: 'cannot open a: EACCES (chmod it)', hint: 'chmod it' }),
    'cannot open a: EACCES',
  );
  assert.equal(withoutHint({ message: 'cannot open a', hint: 'chmod it' }), 'cannot open a');
  assert.equal(withoutHint({ message: 'cannot open a (b)' }), 'cannot open a (b)');
});

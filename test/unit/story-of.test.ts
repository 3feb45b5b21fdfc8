import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storyOf } from '../../src/system/story-of.ts';

test('an error is told with its stack and its causes, and with nothing that hangs on it', () => {
  const cause = Object.assign(new TypeError('no socket'), { request: { authorization: 'secret' } });
  const story = storyOf(new Error('not sent', { cause }));
  assert.match(story, /^Error: not sent\n {4}at .*\ncaused by: TypeError: no socket\n {4}at /s);
  assert.ok(!story.includes('secret'));
});

test('an error that causes itself is told five times', () => {
  const error = new Error('again');
  error.cause = error;
  assert.equal(storyOf(error).match(/Error: again/g)?.length, 5);
});

test('what is no error is told as it is', () => {
  assert.equal(storyOf('just text'), 'just text');
});

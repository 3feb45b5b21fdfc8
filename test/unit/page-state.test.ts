import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PageParts, type PageState } from '../../src/observe/page-state.ts';
import { redactorOf } from '../../src/system/redact.ts';
import { pageWords } from '../../src/view/page-words.ts';
import { DRAINING, NO_LISTS } from '../support/snapshot-fixture.ts';

function stateOf(change: Partial<PageState> = {}): PageState {
  const { texts, rows } = pageWords(DRAINING, NO_LISTS);
  return { ...DRAINING, words: texts, rows, lists: NO_LISTS, settings: [], ...change };
}

test('tells all at first, and then only what has changed', () => {
  const parts = new PageParts((text) => text);
  assert.deepEqual(JSON.parse(parts.changesTo(stateOf())), JSON.parse(JSON.stringify(stateOf())));
  assert.equal(parts.changesTo(stateOf()), '{}');
  assert.equal(parts.changesTo(stateOf({ uptimeMs: 31_000 })), '{"uptimeMs":31000}');
  assert.deepEqual(JSON.parse(parts.all()), JSON.parse(JSON.stringify(stateOf({ uptimeMs: 31_000 }))));
});

test('no part shows a secret', () => {
  const parts = new PageParts(redactorOf({ AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-store' }));
  const settings = [{ key: 'a-secret-of-the-store', value: 'x', origin: 'password=hunter2222' }];
  const text = parts.changesTo(stateOf({ waitingFor: 'says a-secret-of-the-store', settings }));
  assert.doesNotMatch(text, /a-secret-of|hunter2/);
  assert.match(text, /"waitingFor":"says \[redacted\]"/);
});

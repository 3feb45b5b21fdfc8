import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tooOldNode } from '../../src/system/node-version.ts';

const ENGINES = { node: '>=22.19' };

test('a Node.js that is new enough is taken', () => {
  for (const version of ['v22.19.0', 'v22.20.1', 'v24.0.0', 'v24.21.0', 'v100.0.0'])
    assert.equal(tooOldNode(version, ENGINES), undefined, version);
});

test('an older Node.js is refused, with the least that will do', () => {
  for (const version of ['v20.20.2', 'v22.9.0', 'v22.18.9', 'v8.99.0'])
    assert.match(
      tooOldNode(version, ENGINES) ?? '',
      new RegExp(`^Node.js 22.19 or newer is needed, and this is ${version}: install a newer one`),
    );
});

test('the Debian package takes the Node.js that it carries', () => {
  assert.equal(tooOldNode('v20.20.2', undefined), undefined);
});

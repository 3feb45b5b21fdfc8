import assert from 'node:assert/strict';
import test from 'node:test';
import { changedFiles, changedKeys } from '../../src/config/changes.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { toSettings } from '../../src/config/to-settings.ts';

function settings(typed: Record<string, unknown>) {
  const all: Record<string, unknown> = { 's3.bucket': 'my-bucket', ...typed };
  return toSettings((key) => all[key] ?? optionByKey.get(key)?.default);
}

test('equal settings have no changes, even when typed differently', () => {
  assert.deepEqual(
    changedKeys(settings({ 'spool.settle': '2 s' }), settings({ 'spool.settle': '2000 ms' })),
    [],
  );
});

test('names what changed as the file does, and says what needs a restart', () => {
  const after = settings({
    'spool.path': '/srv/in',
    'spool.settle': '3 s',
    'link.capacity': '100 Mbit/s',
    'link.floor': '2 %',
    's3.region': 'eu-central-1',
    'upload.maxMemory': '128 MiB',
    'retry.max': '10 min',
    'log.format': 'json',
  });
  const told = changedKeys(settings({}), after).map(({ key, live }) => ({ key, live }));
  assert.deepEqual(told, [
    { key: 'spool.path', live: false },
    { key: 'spool.settle', live: true },
    { key: 'link.capacity', live: true },
    { key: 'link.floor', live: true },
    { key: 's3.region', live: true },
    { key: 'upload.maxMemory', live: true },
    { key: 'retry.max', live: true },
    { key: 'log.format', live: false },
  ]);
});

test('notices changes within lists and metadata without telling their values', () => {
  const after = settings({ 'spool.ignore': ['.*'], 's3.metadata': new Map([['site', 'hidden-value']]) });
  const changes = changedKeys(settings({}), after);
  assert.deepEqual(
    changes.map(({ key }) => key),
    ['spool.ignore', 's3.metadata'],
  );
  assert.doesNotMatch(JSON.stringify(changes), /hidden-value/);
});

test('says where the new value of a changed key stands', () => {
  const origins = new Map([
    ['link.share', 'a.yaml:2'],
    ['spool.order', 'a.yaml:9'],
  ]);
  const [change, ...others] = changedKeys(settings({}), settings({ 'link.share': '25 %' }), origins);
  assert.deepEqual(change, { key: 'link.share', live: true, origin: 'a.yaml:2' });
  assert.deepEqual(others, []);
});

test('tells which config files are new, and which are gone', () => {
  assert.equal(changedFiles(['a', 'b'], ['a', 'b']), undefined);
  assert.equal(changedFiles(['a', 'b'], ['a', 'c']), 'c is read from now on, b is gone');
});

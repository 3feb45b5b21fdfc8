import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionByKey } from '../../src/config/schema.ts';
import { toSettings } from '../../src/config/to-settings.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { packingOptionsOf } from '../../src/stage-options.ts';

function packingWith(values: Readonly<Record<string, unknown>>) {
  const written: Readonly<Record<string, unknown>> = { 's3.bucket': 'bucket', ...values };
  return packingOptionsOf(toSettings((key) => written[key] ?? optionByKey.get(key)?.default));
}

test('no file is packed unless packets are enabled', () => {
  assert.equal(packingWith({}), undefined);
});

test('packets.match without / is for the name, with / for the whole path; by default all match', () => {
  const matching = (match: readonly string[]) => {
    const options = packingWith({ 'packets.enabled': true, 'packets.match': match });
    return ['a.json', 'logs/b.log', 'logs/day/c.json'].filter((path) => options?.match(SpoolPath.from(path)));
  };
  assert.deepEqual(matching(['*']), ['a.json', 'logs/b.log', 'logs/day/c.json']);
  assert.deepEqual(matching(['*.json']), ['a.json', 'logs/day/c.json']);
  assert.deepEqual(matching(['logs/**']), ['logs/b.log', 'logs/day/c.json']);
  assert.deepEqual(matching(['logs']), [], 'a folder is no name of a file');
});

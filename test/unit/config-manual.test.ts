import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readConfig } from '../../src/config/drop-ins.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { renderConfigManual } from '../../systemd/man/config-manual.ts';

test('halfpipe.yaml(5) has every option of the schema once, with its variable', () => {
  const lines = renderConfigManual().split('\n');
  for (const { key, env } of optionByKey.values()) {
    assert.equal(lines.filter((line) => line === `.B ${key}`).length, 1, key);
    assert.equal(lines.filter((line) => line === `Environment: ${env}`).length, 1, env);
  }
});

test('halfpipe.yaml(5) gives troff no line to mistake for a request', () => {
  const known = /^(\.(TH|SH|TP|PP|B|I|BR|IR|br)\b|[^.'])/;
  const lines = renderConfigManual().trimEnd().split('\n');
  assert.deepEqual(
    lines.filter((line) => !known.test(line)),
    [],
  );
});

test('the config that the package makes sets nothing but defaults, and leaves the bucket open', async () => {
  const { values, problems } = await readConfig('systemd/debian/halfpipe.yaml');
  assert.deepEqual(problems, []);
  assert.ok(values.size >= 4);
  for (const [key, { value }] of values) assert.equal(value, optionByKey.get(key)?.default, key);
  const text = readFileSync('systemd/debian/halfpipe.yaml', 'utf8');
  for (const key of ['bucket', 'region', 'endpoint']) assert.match(text, new RegExp(`^  ${key}:$`, 'm'));
});

test('halfpipe@.service differs from halfpipe.service in names alone', () => {
  const settings = (file: string) =>
    readFileSync(new URL(`../../systemd/${file}`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  const expected = settings('halfpipe.service').map((line) =>
    line
      .replace('Drain a spool folder', 'Drain the spool %i')
      .replace('/etc/halfpipe/halfpipe.yaml', '/etc/halfpipe/%i.yaml')
      .replace(/([:=])\/etc\/halfpipe\/aws-credentials/, '$1/etc/halfpipe/%i.aws-credentials')
      .replaceAll('%t/halfpipe', '%t/halfpipe-%i')
      .replace('RuntimeDirectory=halfpipe', 'RuntimeDirectory=halfpipe-%i')
      .replace('StateDirectory=halfpipe', 'StateDirectory=halfpipe-%i')
      .replace(
        /^(EnvironmentFile=-\/etc\/default\/halfpipe|ReadWritePaths=-\/var\/spool\/halfpipe)$/,
        '$1-%i',
      ),
  );
  assert.deepEqual(settings('halfpipe@.service'), expected);
});

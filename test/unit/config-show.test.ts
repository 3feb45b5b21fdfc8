import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { showConfig } from '../../src/commands/config-show.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { type Environment, loadConfig, loadSettings } from '../../src/config/load.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { inForceAfterReload, shownOptions } from '../../src/config/shown-options.ts';

const CONFIG = `s3:
  bucket: inbox
  region: eu-central-1
  tags: { team: a-secret-team }
link:
  share: 30 %
  interface: eth0
`;

function configFileOf(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-config-show-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'halfpipe.yaml');
  writeFileSync(file, content);
  return file;
}

async function shown(configFile: string, env: Environment, asJson = false): Promise<string> {
  const stdout = new PassThrough();
  assert.equal(await showConfig({ configFile, env, stdout }, asJson), 0);
  stdout.end();
  return await text(stdout);
}

test('config show prints each setting in force, and where it comes from', async (t) => {
  const file = configFileOf(t, CONFIG);
  const env = { HALFPIPE_LINK_INTERFACE: 'wwan0', HALFPIPE_S3_METADATA: 'owner=a-secret-owner' };
  const output = await shown(file, env);
  for (const [line, origin] of [
    ['  bucket: inbox', `${file}:2`],
    ['  share: 30 %', `${file}:6`],
    ['  interface: wwan0', 'HALFPIPE_LINK_INTERFACE'],
    ['  settle: 2 s', 'default'],
    ['  endpoint:', 'not set'],
    ["  tags: '[hidden]'", `${file}:4`],
    ["  metadata: '[hidden]'", 'HALFPIPE_S3_METADATA'],
  ] as const)
    assert.ok(output.includes(`\n${line.padEnd(44)}  # ${origin}\n`), `${line}\n${output}`);
  assert.doesNotMatch(output, /a-secret/);
  assert.equal(output.match(/^ {2}\w+:/gm)?.length, optionByKey.size);
});

test('what config show prints is a config file with the same settings', async (t) => {
  const env = { HALFPIPE_SPOOL_IGNORE: '.*,*.new' };
  const file = configFileOf(t, CONFIG.replace(/.*tags.*\n/, ''));
  const again = configFileOf(t, await shown(file, env));
  assert.deepEqual(await loadSettings(again, {}), await loadSettings(file, env));
});

test('config show --json says the same', async (t) => {
  const file = configFileOf(t, CONFIG);
  const env = { HALFPIPE_LINK_INTERFACE: 'wwan0' };
  const json = JSON.parse(await shown(file, env, true));
  assert.equal(json.configFile, file);
  assert.deepEqual(json.options['link.share'], {
    ...{ value: '30 %', from: 'file', place: `${file}:6`, changesNeed: 'reload' },
  });
  assert.deepEqual(json.options['link.interface'], {
    ...{ value: 'wwan0', from: 'environment', place: 'HALFPIPE_LINK_INTERFACE', changesNeed: 'reload' },
  });
  assert.deepEqual(json.options['spool.path'], {
    ...{ value: '/var/spool/halfpipe', from: 'default', place: null, changesNeed: 'restart' },
  });
  assert.deepEqual(Object.keys(json.options), [...optionByKey.keys()]);
  const fromYaml = parse(await shown(file, env));
  for (const [key, { value }] of Object.entries<{ value: unknown }>(json.options)) {
    const [section = '', name = ''] = key.split('.');
    assert.deepEqual(fromYaml[section][name], value, key);
  }
});

test('config show hides the password of a URL, and refuses what the daemon would refuse', async (t) => {
  const secret = 'https://user:pass-word-1@s3.example.com';
  const file = configFileOf(t, 's3:\n  bucket: inbox\n');
  const refused = shown(file, { HALFPIPE_S3_ENDPOINT: secret });
  await assert.rejects(refused, (error) => error instanceof ConfigError && !/pass-word/.test(error.message));
  const counter = { HALFPIPE_LINK_COUNTER: 'http://user:pass-word-1@router/metrics#sent' };
  const output = await shown(file, counter).catch((error: unknown) => String(error));
  assert.doesNotMatch(output, /pass-word/);
});

test('after a reload, a setting that needs a restart is shown as before', async (t) => {
  const before = await loadConfig(configFileOf(t, CONFIG), {});
  const changed = CONFIG.replace('30 %', '40 %').concat('spool:\n  path: /srv/elsewhere\n');
  const after = await loadConfig(configFileOf(t, changed), {});
  const shown = shownOptions(inForceAfterReload(before.options, after.options));
  const written = (name: string) => shown.find(({ key }) => key === name)?.value;
  assert.deepEqual([written('link.share'), written('spool.path')], ['40 %', '/var/spool/halfpipe']);
});

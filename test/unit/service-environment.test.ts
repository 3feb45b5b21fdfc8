import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseEnvironmentFile,
  serviceEnvironment,
  serviceFilesOf,
} from '../../src/commands/service-environment.ts';

describe('an EnvironmentFile is read as systemd does', () => {
  for (const [text, found] of [
    ['A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['# A=1\n; B=2\n\nC=3', { C: '3' }],
    [`A='it is # 1'\nB="say \\"yes\\""`, { A: 'it is # 1', B: 'say "yes"' }],
    ['A=1 \\\n2\n', { A: '1 2' }],
    ['  A=1  \r\nexport B=2\nno equals', { A: '1' }],
    ['HALFPIPE_LINK_SHARE=20 %\n', { HALFPIPE_LINK_SHARE: '20 %' }],
    ['A=1\nA=2\nB=\n', { A: '2', B: '' }],
  ] as const)
    test(JSON.stringify(text), () => {
      assert.deepEqual(parseEnvironmentFile(text), found);
    });
});

describe('a config file belongs to the service', () => {
  for (const [file, unit, credentials] of [
    ['/etc/halfpipe/halfpipe.yaml', 'halfpipe', '/etc/halfpipe/aws-credentials'],
    ['/etc/halfpipe/../halfpipe//door.yaml', 'halfpipe@door', '/etc/halfpipe/door.aws-credentials'],
    [`${'../'.repeat(20)}etc/halfpipe/door.yaml`, 'halfpipe@door', '/etc/halfpipe/door.aws-credentials'],
    ['/etc/halfpipe/door.yaml', 'halfpipe@door', '/etc/halfpipe/door.aws-credentials'],
    ['/srv/halfpipe.yaml', undefined, undefined],
    ['/etc/halfpipe/sub/door.yaml', undefined, undefined],
  ] as const)
    test(`${file}: ${unit ?? 'none'}`, () => {
      assert.equal(serviceFilesOf(file)?.unit, unit);
      assert.equal(serviceFilesOf(file)?.credentials, credentials);
    });
});

test('the shell’s own key, profile, proxy and overrides are not the service’s', () => {
  const shell = {
    PATH: '/bin',
    AWS_PROFILE: 'mine',
    AWS_ACCESS_KEY_ID: 'MINE',
    https_proxy: 'http://mine:1',
    HALFPIPE_LINK_SHARE: '10 %',
    AWS_SESSION_TOKEN: '',
  };
  const files = { unit: 'halfpipe@x', defaults: '/nonexistent', credentials: '/nonexistent.key' };
  const { env, dropped } = serviceEnvironment(shell, files, undefined);
  assert.deepEqual(env, {
    PATH: '/bin',
    AWS_CONFIG_FILE: '/etc/halfpipe/aws-config',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    HALFPIPE_CREDENTIALS: '/nonexistent.key',
    HALFPIPE_UNIT: 'halfpipe@x',
    HALFPIPE_USER: 'halfpipe',
  });
  assert.deepEqual(dropped, ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'https_proxy', 'HALFPIPE_LINK_SHARE']);
});

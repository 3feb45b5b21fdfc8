// What `systemctl show` prints of a unit, as read by the commands that an operator types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceEnvironment } from '../../src/commands/service-environment.ts';
import { parseServiceUnit } from '../../src/commands/service-unit.ts';

const SHOWN = `EnvironmentFiles=/etc/default/halfpipe (ignore_errors=yes)
EnvironmentFiles=/etc/halfpipe/more env (ignore_errors=no)
Environment=A=1 "HALFPIPE_LINK_SHARE=20 %" "B=say \\"yes\\" \\$x" $'C=a\\nb' D=
User=camera
Group=media
LoadState=loaded
`;

test('user, group, variables and files of the unit with its drop-ins are read', () => {
  assert.deepEqual(parseServiceUnit(SHOWN), {
    user: 'camera',
    group: 'media',
    environment: { A: '1', HALFPIPE_LINK_SHARE: '20 %', B: 'say "yes" $x', C: 'a\nb', D: '' },
    environmentFiles: ['/etc/default/halfpipe', '/etc/halfpipe/more env'],
  });
});

test('a unit that is not there, or says nothing, says nothing', () => {
  assert.equal(parseServiceUnit('User=\nLoadState=not-found\n'), undefined);
  assert.equal(parseServiceUnit(''), undefined);
  assert.equal(parseServiceUnit('User=\nLoadState=loaded\n')?.user, undefined);
});

test('a drop-in’s variables, user and key are those of check, but not the copy of the key', () => {
  const files = { unit: 'halfpipe', defaults: '/nonexistent', credentials: '/etc/halfpipe/aws-credentials' };
  const unit = {
    ...{ user: 'camera', group: 'media', environmentFiles: ['/nonexistent'] },
    environment: {
      AWS_SHARED_CREDENTIALS_FILE: '/run/halfpipe/aws-credentials',
      HALFPIPE_CREDENTIALS: '/dev/zero',
      HALFPIPE_LINK_SHARE: '20 %',
    },
  };
  const { env, dropped } = serviceEnvironment({ HALFPIPE_LINK_SHARE: '90 %' }, files, unit);
  assert.deepEqual(env, {
    AWS_CONFIG_FILE: '/etc/halfpipe/aws-config',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/zero',
    HALFPIPE_CREDENTIALS: '/dev/zero',
    HALFPIPE_LINK_SHARE: '20 %',
    HALFPIPE_UNIT: 'halfpipe',
    HALFPIPE_USER: 'camera',
    HALFPIPE_GROUP: 'media',
  });
  assert.deepEqual(dropped, ['HALFPIPE_LINK_SHARE']);
});

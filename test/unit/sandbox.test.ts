import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sandboxFindings } from '../../src/commands/sandbox.ts';

const SHIPPED = {
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  ReadWritePaths: '-/var/spool/halfpipe',
  StateDirectory: 'halfpipe',
  RuntimeDirectory: 'halfpipe',
};

describe('a spool that the unit hides or protects is found fault with, and the setting is named', () => {
  for (const { path, over = {}, says } of [
    { path: '/var/spool/halfpipe', says: undefined },
    { path: '/var/spool/halfpipe/sub', says: undefined },
    {
      path: '/var/spool/halfpipe2',
      says: /halfpipe@x, below \[Service\] set ReadWritePaths=\/var\/spool\/halfpipe2$/,
    },
    {
      path: '/srv/incoming',
      says: /does not allow the service to write to \/srv\/incoming: .* set ReadWritePaths=\/srv\/incoming$/,
    },
    { path: '/srv/incoming', over: { ReadWritePaths: '-/var/spool/halfpipe +/srv' }, says: undefined },
    { path: '/srv/incoming', over: { ProtectSystem: 'full' }, says: undefined },
    { path: '/var/lib/halfpipe/manifest', says: undefined },
    { path: '/var/lib/halfpipe', over: { StateDirectory: '' }, says: /set ReadWritePaths=/ },
    { path: '/run/halfpipe', says: undefined },
    { path: '/run/other', says: /set ReadWritePaths=\/run\/other$/ },
    {
      path: '/home/scanner/incoming',
      over: { ReadWritePaths: '/home/scanner' },
      says: /set ProtectHome=no$/,
    },
    { path: '/root/in', says: /set ProtectHome=no$/ },
    { path: '/home/in', over: { ProtectHome: 'no', ReadWritePaths: '/home/in' }, says: undefined },
    { path: '/tmp/in', over: { ReadWritePaths: '/tmp/in' }, says: /set PrivateTmp=no$/ },
    { path: '/var/tmp/in', over: { PrivateTmp: 'no' }, says: /ReadWritePaths=\/var\/tmp\/in$/ },
  ] as const)
    test(`${path} with ${JSON.stringify(over)}`, () => {
      const [finding] = sandboxFindings(path, 'halfpipe@x', { ...SHIPPED, ...over });
      if (says === undefined) assert.equal(finding, undefined);
      else assert.match(finding?.text ?? '', says);
    });
});

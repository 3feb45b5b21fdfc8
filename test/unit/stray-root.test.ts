// When `halfpipe run`, typed by root, is refused for the sake of the service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strayRootText } from '../../src/commands/stray-root.ts';

const service = { unit: 'halfpipe@door', user: 'camera' };

for (const { what, facts, says } of [
  { what: 'a spool of root without a service', facts: { ownerUid: 0, service: undefined }, says: undefined },
  { what: 'a spool that is not there', facts: { ownerUid: undefined, service }, says: undefined },
  {
    // Such as root:halfpipe 2775, which the service drains well.
    what: 'a spool of root that a service drains',
    facts: { ownerUid: 0, service },
    says:
      'the service runs as camera, and what root makes in the spool would stop the service: systemctl start halfpipe@door, ' +
      'or setpriv --reuid=camera --regid=camera --clear-groups halfpipe run',
  },
  {
    what: 'a spool of another user',
    facts: { ownerUid: 994, service: undefined },
    says:
      '/in belongs to user 994, and what root makes in the spool would stop the service: systemctl start halfpipe, ' +
      'or setpriv --reuid=994 --regid=994 --clear-groups halfpipe run',
  },
])
  test(`root is ${says === undefined ? 'let' : 'not let'} drain ${what}`, () =>
    assert.equal(strayRootText('/in', facts), says));

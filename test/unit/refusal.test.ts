import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal, refusalOf } from '../../src/ingest/refusal.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { changedFault, goneFault, spoolFault } from '../../src/spool/spool-fault.ts';
import { Fault } from '../../src/system/fault.ts';

const PATH = SpoolPath.from('camera/a.jpg');
const ofErrno = (code: string, subject = `${PATH}`) =>
  spoolFault(Object.assign(new Error(code), { code }), 'deposit', subject);
const unstable = new Fault('transient', 'its name changes', { operation: 'deposit', subject: `${PATH}` });

for (const [title, fault, kind] of [
  ['a file that changes', changedFault('read', `${PATH}`, 'changed'), 'in-use'],
  ['a file that has gone', ofErrno('ENOENT'), 'in-use'],
  ['a file under a lease', ofErrno('EAGAIN'), 'in-use'],
  ['a name that changes again and again', unstable, 'in-use'],
  ['a folder of another user', ofErrno('EACCES'), 'no-access'],
  ['a file that cannot be replaced', ofErrno('EPERM'), 'no-access'],
  ['a folder on another file system', ofErrno('EXDEV'), 'no-access'],
  ['a full disk', ofErrno('ENOSPC'), 'disk-full'],
  ['a quota that is used up', ofErrno('EDQUOT', '/spool'), 'disk-full'],
  ['a spool that is gone', goneFault('/spool', 'the folder is not there'), 'spool-unavailable'],
  ['a spool that is mounted read-only', ofErrno('EROFS'), 'spool-unavailable'],
  ['a broken disk', ofErrno('EIO'), 'spool-unavailable'],
  ['too few descriptors', ofErrno('EMFILE'), 'spool-unavailable'],
  ['a private folder that has gone', ofErrno('ENOENT', '/spool'), 'spool-unavailable'],
  ['a private folder of another user', ofErrno('EACCES', '/spool'), 'spool-unavailable'],
] as const)
  test(`${title} is answered with ${kind}, and the operator sees why`, () => {
    const refusal = refusalOf(fault, PATH);
    assert.ok(refusal instanceof Refusal);
    assert.equal(refusal.kind, kind);
    assert.equal(refusal.cause, fault);
  });

test('a spool that may not be written to is answered as such, because the file needs no other folder', () => {
  const refusal = refusalOf(ofErrno('EACCES', 'a.jpg'), SpoolPath.from('a.jpg'));
  assert.ok(refusal instanceof Refusal);
  assert.equal(refusal.kind, 'spool-unavailable');
});

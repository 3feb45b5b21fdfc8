// `halfpipe quarantine`: what a human may do about files that need one, with a daemon beside it.
import assert from 'node:assert/strict';
import { readFile, unlink } from 'node:fs/promises';
import { describe, type TestContext, test } from 'node:test';
import { DaemonFixture } from '../support/daemon-fixture.ts';

const TOO_LONG = Array.from({ length: 5 }, () => 'x'.repeat(220)).join('/');

/** A daemon that has put one file into quarantine, since its key would be too long. */
async function quarantined(t: TestContext) {
  const fixture = await DaemonFixture.create(t);
  const daemon = fixture.start();
  await daemon.says('ready');
  await fixture.put(TOO_LONG, 'needs a human');
  await daemon.says('quarantined');
  const run = async (...args: string[]) => {
    const command = fixture.command(['quarantine', ...args, '--config', fixture.configFile]);
    return { code: await command.exit, out: command.stdout, err: command.stderr };
  };
  const listed = await run('list');
  assert.equal(listed.code, 0, listed.err);
  const [id = ''] = listed.out.split(' ');
  return { fixture, daemon, run, listed, id };
}

describe('halfpipe quarantine', { concurrency: 2 }, () => {
  test('list shows id, time, size, name and reason; an empty one is said to be empty', async (t) => {
    const { listed, run, id } = await quarantined(t);
    assert.match(listed.out, /^\S+ {2}\d{4}-\S+Z {2}13 B {2}x{220}\/.*\n {2}.*1,?024.*\n$/);
    assert.equal((await run('drop', id, '--yes')).code, 0);
    assert.deepEqual(await run('list'), { code: 0, out: 'the quarantine is empty\n', err: '' });
  });

  test('retry puts the file back under its name, never over another', async (t) => {
    const { fixture, daemon, run, id } = await quarantined(t);
    assert.equal(await daemon.stop(), 0);
    await fixture.put(TOO_LONG, 'another');
    const refused = await run('retry', id);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /stays in quarantine: another file has its name/);
    assert.equal(await readFile(fixture.at(TOO_LONG), 'utf8'), 'another');
    await unlink(fixture.at(TOO_LONG));
    const retried = await run('retry', '--all');
    assert.equal(retried.code, 0, retried.err);
    assert.match(retried.out, /is back in the spool\n$/);
    assert.equal(await readFile(fixture.at(TOO_LONG), 'utf8'), 'needs a human');
    assert.deepEqual(await fixture.kept(), []);
  });

  test('drop says what it would delete, and deletes nothing unless told yes', async (t) => {
    const { fixture, run, id } = await quarantined(t);
    const refused = await run('drop', id);
    assert.equal(refused.code, 1);
    assert.match(refused.out, /13 B {2}x{220}/);
    assert.match(refused.err, /nothing was deleted: without a terminal, add --yes/);
    assert.equal((await fixture.kept()).length, 2, 'the file and its reason');
    const dropped = await run('drop', '--all', '--yes');
    assert.equal(dropped.code, 0, dropped.err);
    assert.match(dropped.out, /13 B {2}x{220}[^\n]*\ndeleted 1 for good\n$/);
    assert.deepEqual(await fixture.kept(), []);
  });

  test('an id that nothing has, or none at all, changes nothing', async (t) => {
    const { fixture, run, id } = await quarantined(t);
    const unknown = await run('drop', id, 'no-such\n-id', '--yes');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /nothing in quarantine has the id "no-such\\n-id"\n$/);
    assert.equal((await run('drop')).code, 2);
    assert.equal((await run('empty')).code, 2);
    assert.equal((await fixture.kept()).length, 2);
  });
});

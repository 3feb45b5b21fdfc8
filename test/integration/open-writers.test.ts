// Real files, a real perl, and real processes that have files open.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { OpenWriters } from '../../src/spool/open-writers.ts';
import { systemClock } from '../../src/system/clock.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';

const skip = spawnSync('perl', ['-MFcntl', '-e', '1']).status === 0 ? false : 'needs perl';
/** Not read and write: the kernel counts those among the writers. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

function prepare(t: TestContext, options: { readonly path?: string } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-writers-'));
  const place = join(folder, 'file');
  writeFileSync(place, 'content');
  const fd = openSync(place, READ_FLAGS);
  const problems: (string | undefined)[] = [];
  const onChange = (problem: string | undefined) => void problems.push(problem);
  const view = new OpenWriters({ clock: systemClock, onChange, ...options });
  t.after(() => {
    view.stop();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { place, fd, view, problems };
}

/** A process that has done `perl` with $ARGV[0] and has it open as long as it lives. */
async function holder(t: TestContext, perl: string, place: string): Promise<ChildProcess> {
  const child = spawn('perl', ['-e', `$| = 1; ${perl}; print "open\\n"; sleep 60`, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('tells a file that nothing has open for writing', { skip }, async (t) => {
  const { fd, view } = prepare(t);
  assert.equal(await view.ask(fd), 'none');
});

for (const [how, perl] of [
  ['appends to', `open(F, '>>', $ARGV[0]) or die`],
  ['updates', `open(F, '+<', $ARGV[0]) or die`],
  // A MAP_SHARED mapping that may be written to (syscall 9, PROT_WRITE), whose descriptor is closed.
  [
    'has mapped',
    `open(F, '+<', $ARGV[0]) or die; syscall(9, 0, 4096, 3, 1, fileno(F), 0) != -1 or die $!; close F`,
  ],
] as const) {
  // The number of mmap(2) differs from one architecture to the other.
  const cannot = how === 'has mapped' && process.arch !== 'x64' ? 'x64 only' : skip;
  test(`tells a file that another process ${how}, until that ends`, { skip: cannot }, async (t) => {
    const { place, fd, view } = prepare(t);
    const child = await holder(t, perl, place);
    assert.equal(await view.ask(fd), 'some');
    await end(child);
    assert.equal(await view.ask(fd), 'none');
  });
}

test('a process that only reads the file is no writer', { skip }, async (t) => {
  const { place, fd, view } = prepare(t);
  await holder(t, `open(F, '<', $ARGV[0]) or die`, place);
  assert.equal(await view.ask(fd), 'none');
});

test('tells the writer of a file that has no name any more', { skip }, async (t) => {
  const { place, fd, view } = prepare(t);
  const writer = openSync(place, 'a');
  unlinkSync(place);
  writeFileSync(place, 'another file under its name');
  assert.equal(await view.ask(fd), 'some');
  closeSync(writer);
  assert.equal(await view.ask(fd), 'none');
});

test('answers many questions at once, each with its own answer', { skip }, async (t) => {
  const { place, fd, view } = prepare(t);
  const writer = openSync(`${place}2`, 'w');
  const written = openSync(`${place}2`, READ_FLAGS);
  const asked = Array.from({ length: 1_000 }, (_, at) => (at % 3 === 0 ? written : fd));
  const answers = await Promise.all(asked.map((each) => view.ask(each)));
  for (const [at, answer] of answers.entries()) assert.equal(answer, at % 3 === 0 ? 'some' : 'none');
  for (const each of [writer, written]) closeSync(each);
});

test('two questions go out at once, and those that follow shortly wait and go together', {
  skip,
}, async (t) => {
  const { fd } = prepare(t);
  const clock = new SimClock();
  const view = new OpenWriters({ clock, onChange: () => undefined });
  t.after(() => view.stop());
  for (let question = 0; question < 2; question += 1) assert.equal(await view.ask(fd), 'none');
  const others = Promise.all([view.ask(fd), view.ask(fd)]);
  const answered = await Promise.race([others, delay(50, 'not yet')]);
  assert.equal(answered, 'not yet');
  await clock.advance(5);
  assert.deepEqual(await others, ['none', 'none']);
});

test('leaves no lease behind: a writer that does not wait can open the file', { skip }, async (t) => {
  const { place, fd, view } = prepare(t);
  await view.ask(fd);
  closeSync(openSync(place, constants.O_WRONLY | constants.O_NONBLOCK));
});

test('answers unknown where the kernel does not tell', { skip }, async (t) => {
  const { view } = prepare(t);
  const folder = openSync('/', READ_FLAGS);
  assert.equal(await view.ask(folder), 'unknown');
  closeSync(folder);
});

test('answers unknown without perl, and says so once', async (t) => {
  const { fd, view, problems } = prepare(t, { path: '/nonexistent' });
  assert.deepEqual(await Promise.all([view.ask(fd), view.ask(fd)]), ['unknown', 'unknown']);
  assert.equal(await view.ask(fd), 'unknown');
  assert.deepEqual(problems, ['perl does not run: spawn perl ENOENT']);
  view.distrust();
  assert.equal(problems.length, 1);
});

/** A perl of the test's own, in a folder of its own. */
function perlThat(t: TestContext, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-perl-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'perl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return folder;
}

test('a perl that ends is started again, and all goes on', { skip }, async (t) => {
  const { place, fd } = prepare(t);
  const clock = new SimClock();
  const problems: (string | undefined)[] = [];
  // The first one ends at the first question.
  const script = `if mkdir ${place}.once; then exec head -c 4; else exec /usr/bin/perl "$@"; fi`;
  const view = new OpenWriters({
    clock,
    onChange: (problem) => problems.push(problem),
    path: `${perlThat(t, script)}:/usr/bin:/bin`,
  });
  t.after(() => view.stop());
  assert.equal(await view.ask(fd), 'unknown');
  assert.equal(await view.ask(fd), 'unknown');
  await clock.advance(10_000);
  assert.equal(await view.ask(fd), 'none');
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /^perl does not run: it ended with /);
  assert.equal(problems[1], undefined);
});

test('a perl that does not answer is given up after five seconds', async (t) => {
  const { fd } = prepare(t);
  const clock = new SimClock();
  const problems: (string | undefined)[] = [];
  const path = `${perlThat(t, 'exec sleep 60')}:/usr/bin:/bin`;
  const view = new OpenWriters({ clock, onChange: (problem) => problems.push(problem), path });
  t.after(() => view.stop());
  const answers = Promise.all([view.ask(fd), view.ask(fd)]);
  await clock.advance(5_000);
  assert.deepEqual(await answers, ['unknown', 'unknown']);
  assert.deepEqual(problems, ['perl does not run: it has not answered for 5 s']);
});

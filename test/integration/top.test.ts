// `halfpipe top` on a real terminal: it draws, obeys keys, survives a restart, and gives the terminal back.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { compiledMain } from '../support/compiled.ts';
import { DaemonFixture, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';
import { PseudoTerminal } from '../support/pseudo-terminal.ts';
import { startFlags } from '../support/start-flags.ts';

const skip = spawnSync('script', ['--version']).status === 0 ? false : 'needs script(1)';

function topOf(t: TestContext, { configFile }: DaemonFixture, columns = 80, rows = 24): PseudoTerminal {
  const program = [process.execPath, ...startFlags(), compiledMain()];
  const terminal = new PseudoTerminal([...program, 'top', '--config', configFile], { columns, rows });
  t.after(() => terminal.kill());
  return terminal;
}

test('top draws the link, the files on their way and those that were uploaded last', { skip }, async (t) => {
  const fixture = await DaemonFixture.create(t, SLOW);
  await fixture.start().says('ready');
  const top = topOf(t, fixture);
  await fixture.put('first.jpg', 'x');
  await fixture.until('it tells of an upload', () =>
    /^uploaded +\d+ s ago +1 B in \d+ s {2}first\.jpg$/m.test(top.screen),
  );
  for (const name of ['camera/second.jpg', 'camera/third.jpg'])
    await fixture.put(name, Buffer.alloc(2 * SLOW_BYTES, name));
  let screen = '';
  await fixture.until('it draws the files', () => {
    screen = top.screen;
    return /^sending +(━|┄)+ +\d+ % +600 kB {2}camera\/(second|third)\.jpg$/m.test(screen);
  });
  assert.match(screen, /^draining · \d files? to go \(/);
  assert.match(screen, /^total .* · target 2\.00 Mbit\/s · own .* · others /m);
  assert.match(screen, /┈+.* 2\.00 Mbit\/s$/m);
  assert.match(screen, /\nq quit · p pause 1 h · r resume · t retry$/);
  top.type('q');
  assert.equal(await top.exit, 0);
  assert.equal(top.screen, '', 'it takes its block away');
  assert.ok(top.cursorVisible);
});

test('keys of top pause, resume and try again, and the last line says what became of it', {
  skip,
}, async (t) => {
  const fixture = await DaemonFixture.create(t);
  const daemon = fixture.start();
  await daemon.says('ready');
  const top = topOf(t, fixture);
  await fixture.until('it draws', () => top.screen.includes('q quit'));
  top.type('p');
  await fixture.until('it is paused', () => /^paused by an operator until \d\d:\d\d/m.test(top.screen));
  const { paused } = (await fixture.snapshot()).steering;
  assert.ok(paused !== null && paused.untilMs !== null, 'a forgotten pause ends by itself');
  top.type('r');
  await fixture.until('it goes on', () => /^draining goes on/m.test(top.screen));
  assert.equal((await fixture.snapshot()).steering.paused, null);
  top.type('t');
  await fixture.until('it is tried', () => /^no file is deferred$/m.test(top.screen));
  top.type('x\x1b[A');
  top.type('\x03');
  assert.equal(await top.exit, 0, 'Ctrl-C quits');
  assert.equal(await daemon.stop(), 0);
});

test('top on a terminal of 40 × 12 shows the state, the link and what is wrong', { skip }, async (t) => {
  const fixture = await DaemonFixture.create(t);
  await fixture.start().says('ready');
  spawnSync('mkfifo', [`${fixture.spool}/pipe`]);
  const top = topOf(t, fixture, 40, 12);
  await fixture.until('it tells', () => /^problems skipped pipe: a FIFO/m.test(top.screen));
  const lines = top.screen.split('\n');
  assert.ok(lines.length <= 11 && lines.every((line) => [...line].length <= 39), top.screen);
  top.type('q');
  assert.equal(await top.exit, 0);
});

test('top on a terminal goes on when the daemon is restarted', { skip }, async (t) => {
  const fixture = await DaemonFixture.create(t);
  const before = fixture.start();
  await before.says('ready');
  const top = topOf(t, fixture);
  await fixture.until('it draws', () => top.screen.startsWith('idle'));
  await before.stop();
  await fixture.until('it tells', () => /^halfpipe has not been running since \d\d:\d\d/.test(top.screen));
  top.type('p');
  await fixture.until('a key has no effect', () => /^not possible now: /m.test(top.screen));
  const after = fixture.start();
  await fixture.until('it draws again', () => top.screen.startsWith('idle'));
  top.type('q');
  assert.equal(await top.exit, 0);
  assert.equal(await after.stop(), 0);
});

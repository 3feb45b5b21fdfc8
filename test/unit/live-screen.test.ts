import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WriteStream } from 'node:tty';
import { LiveScreen, wantsColor } from '../../src/view/live-screen.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';

function start(): { terminal: FakeTerminal; screen: LiveScreen } {
  const terminal = new FakeTerminal();
  const screen = new LiveScreen(terminal as unknown as WriteStream);
  screen.start();
  return { terminal, screen };
}

describe('LiveScreen', () => {
  it('rewrites its block in place, also when the block shrinks', () => {
    const { terminal, screen } = start();
    screen.paint('one\ntwo\nthree');
    screen.paint('four\nfive');
    assert.equal(terminal.screen, 'four\nfive');
    screen.stop();
  });

  it('prints what stays above the block', () => {
    const { terminal, screen } = start();
    screen.paint('block 1\nblock 2');
    screen.print('a file went');
    screen.paint('block 3\nblock 4');
    assert.equal(terminal.screen, 'a file went\nblock 3\nblock 4');
    screen.stop();
    assert.equal(terminal.screen, 'a file went');
  });

  it('hides the cursor and gives it back', () => {
    const { terminal, screen } = start();
    assert.equal(terminal.cursorVisible, false);
    screen.stop();
    assert.equal(terminal.cursorVisible, true);
    assert.equal(terminal.listenerCount('resize'), 0);
  });

  it('begins afresh after a resize', () => {
    const { terminal, screen } = start();
    screen.paint('wide\nwide');
    terminal.emit('resize');
    screen.paint('narrow');
    assert.equal(terminal.screen, 'narrow');
    screen.stop();
  });

  it('never takes more lines than the terminal has', () => {
    const { terminal, screen } = start();
    terminal.rows = 3;
    screen.paint('1\n2\n3\n4\n5');
    assert.equal(terminal.screen, '1\n2');
    screen.stop();
  });
});

it('wantsColor honours NO_COLOR, dumb terminals and pipes', () => {
  const terminal = new FakeTerminal() as unknown as WriteStream;
  assert.equal(wantsColor(terminal, { TERM: 'xterm' }), true);
  assert.equal(wantsColor(terminal, { TERM: 'xterm', NO_COLOR: '1' }), false);
  assert.equal(wantsColor(terminal, { TERM: 'dumb' }), false);
  assert.equal(wantsColor({ isTTY: false } as unknown as WriteStream, {}), false);
});

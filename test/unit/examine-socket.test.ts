// What `halfpipe check` says of a socket that systemd opens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeSockets, socketUnit } from '../../src/commands/examine-socket.ts';

const NAME = 'halfpipe-ingest.socket';
const unit = (state: string) =>
  socketUnit(NAME, [
    ['Listen', '[::]:8443 (Stream)'],
    ['Listen', '/run/halfpipe-ingest.sock (Stream)'],
    ['ActiveState', state],
  ]);

test('an open socket is told with its addresses', () => {
  assert.deepEqual(judgeSockets([unit('inactive'), unit('active')], 'halfpipe'), {
    finding: {
      verdict: 'ok',
      text: `systemd listens on [::]:8443 and /run/halfpipe-ingest.sock (${NAME})`,
    },
    addresses: ['[::]:8443', '/run/halfpipe-ingest.sock'],
  });
});

test('a socket unit that is not started is told with the command that opens it', () => {
  const { finding, addresses } = judgeSockets([unit('inactive')], 'halfpipe@door');
  assert.deepEqual(finding, {
    verdict: 'FAIL',
    text: `the socket of ${NAME} is not open: systemctl stop halfpipe@door && systemctl enable --now ${NAME} && systemctl start halfpipe@door`,
  });
  assert.deepEqual(addresses, []);
});

test('without a socket unit, the example is named', () => {
  const { finding } = judgeSockets([], 'halfpipe');
  assert.equal(finding.verdict, 'FAIL');
  assert.match(finding.text, /no socket unit belongs to halfpipe: see \S+examples\/halfpipe-ingest\.socket$/);
});

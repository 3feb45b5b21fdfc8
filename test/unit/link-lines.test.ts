// What people read of the link.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linkLines } from '../../src/report/link-lines.ts';
import { ETHERNET_LINK } from '../support/ethernet-link.ts';
import { KeptLog } from '../support/kept-log.ts';

test('a route that moves under one capacity for all is told with the remedy, once', () => {
  const log = new KeptLog();
  const tell = linkLines(log);
  const link = { ...ETHERNET_LINK, capacityFrom: 'link.capacity', warnings: ['a blind spot'] } as const;
  for (const name of ['eth0', 'wwan0', 'eth0', 'wwan0']) tell({ kind: 'link', identity: { ...link, name } });
  const said = JSON.stringify(log);
  assert.equal(said.split('from eth0 to wwan0').length - 1, 1, said);
  assert.match(said, /give each its rate: link\.capacity: \{ eth0: …, wwan0: … \}/);
  assert.equal(said.split('a blind spot').length - 1, 1);
});

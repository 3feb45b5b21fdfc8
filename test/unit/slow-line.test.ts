import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findingsOfDaemon } from '../../src/commands/daemon-findings.ts';
import { serveControl } from '../../src/control/control-server.ts';
import { type LineActivity, SlowLineFinder } from '../../src/pace/slow-line.ts';
import { SlowLineReport } from '../../src/report/slow-line-report.ts';
import { slowLineText } from '../../src/view/slow-line-text.ts';
import type { LinkView } from '../../src/view/snapshot.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { showing } from '../support/snapshot-fixture.ts';

const BUDGET = 3_125_000;
const STEP_MS = 100;
const HEADERS = 1.05;

/** So many seconds on a line that takes so many bytes a second, with requests waiting for it for this part of the time. */
function pass(
  finder: SlowLineFinder,
  {
    seconds,
    rate,
    heldBack = 1,
    refused = 0,
    cross = 0,
  }: Record<'seconds' | 'rate', number> & Partial<Record<'heldBack' | 'refused' | 'cross', number>>,
) {
  for (let passed = 0; passed < seconds * 1000; passed += STEP_MS) {
    const activity: LineActivity = {
      elapsedMs: STEP_MS,
      heldBackMs: STEP_MS * heldBack,
      refusedMs: STEP_MS * refused,
      deliveredBytes: (rate * STEP_MS) / 1000,
    };
    finder.observe(activity, BUDGET, rate * HEADERS + cross);
  }
  return finder.found;
}

const SLOW = 178_000; // of bodies; with headers 1.5 Mbit/s

describe('a line slower than its capacity', () => {
  it('is found when requests have waited for it for a minute, and no sooner', () => {
    const finder = new SlowLineFinder();
    assert.equal(pass(finder, { seconds: 59, rate: SLOW }), undefined);
    const found = pass(finder, { seconds: 2, rate: SLOW });
    assert.equal(found?.limitedBy, 'line');
    assert.ok(Math.abs((found?.bitsPerSec ?? 0) - 1.5e6) < 10_000, `${found?.bitsPerSec}`);
  });

  it('is found within ten seconds where its capacity is only assumed', () => {
    const finder = new SlowLineFinder();
    finder.forget({ soon: true });
    assert.equal(pass(finder, { seconds: 9, rate: SLOW }), undefined);
    assert.notEqual(pass(finder, { seconds: 2, rate: SLOW }), undefined);
    finder.forget();
    assert.equal(pass(finder, { seconds: 59, rate: SLOW }), undefined);
  });

  it('carries what others send as well, but what was sent again is not of others', () => {
    const alone = pass(new SlowLineFinder(), { seconds: 60, rate: SLOW, cross: 40_000 });
    const beside = pass(new SlowLineFinder(), { seconds: 60, rate: SLOW, cross: 125_000 });
    assert.equal(Math.round((alone?.bitsPerSec ?? 0) / 1e5), 15);
    assert.equal(Math.round((beside?.bitsPerSec ?? 0) / 1e5), 21);
  });

  for (const { name, line } of [
    { name: 'while the budget is used up, at the floor say', line: { rate: BUDGET * 0.9 } },
    { name: 'while few requests wait for it', line: { rate: SLOW, heldBack: 0.3 } },
    { name: 'while there is nothing to send', line: { rate: 0, heldBack: 0 } },
  ])
    it(`is not said ${name}`, () => {
      assert.equal(pass(new SlowLineFinder(), { seconds: 600, ...line }), undefined);
    });

  it('is the store where the store takes no more', () => {
    assert.equal(pass(new SlowLineFinder(), { seconds: 60, rate: SLOW, refused: 0.8 })?.limitedBy, 'store');
  });

  it('stays what it was found to be until it is off by a fifth, and while nothing is sent', () => {
    const finder = new SlowLineFinder();
    const found = pass(finder, { seconds: 60, rate: SLOW });
    assert.equal(pass(finder, { seconds: 120, rate: SLOW * 1.15 }), found);
    assert.equal(pass(finder, { seconds: 3_600, rate: 0, heldBack: 0 }), found);
    assert.notEqual(pass(finder, { seconds: 120, rate: SLOW * 1.5 }), found);
  });

  it('is over when the line keeps up for a minute, and when the link is another one', () => {
    const finder = new SlowLineFinder();
    pass(finder, { seconds: 60, rate: SLOW });
    assert.equal(pass(finder, { seconds: 70, rate: BUDGET, heldBack: 0 }), undefined);
    assert.notEqual(pass(finder, { seconds: 120, rate: SLOW }), undefined);
    finder.forget();
    assert.equal(pass(finder, { seconds: 50, rate: SLOW }), undefined);
  });
});

const LINK: LinkView = {
  interface: 'eth0',
  capacityBitsPerSec: 50e6,
  capacityFrom: 'link.capacity',
  targetBitsPerSec: 25e6,
  floorBitsPerSec: 500e3,
  totalBitsPerSec: 1.5e6,
  ownBitsPerSec: 1.5e6,
  crossBitsPerSec: 0,
  budgetBitsPerSec: 25e6,
  floorEngaged: false,
  degraded: false,
  slowLine: { bitsPerSec: 1.5e6, limitedBy: 'line' },
};
const ADVICE = 'the line takes 1.50 Mbit/s, link.capacity says 50.0 Mbit/s: set link.capacity to 1.50 Mbit/s';

describe('the report of a slow line', () => {
  it('says what the line takes, what was configured, and what to set', () => {
    assert.equal(slowLineText(LINK), ADVICE);
    assert.match(slowLineText({ ...LINK, capacityFrom: 'driver' }) ?? '', /, the card's driver says 50/);
    assert.equal(slowLineText({ ...LINK, slowLine: null }), undefined);
  });

  it('advises nothing where the store is the slow one', () => {
    const text = slowLineText({ ...LINK, slowLine: { bitsPerSec: 1.5e6, limitedBy: 'store' } });
    assert.equal(text, 'the store takes 1.50 Mbit/s, and no more: uploads wait for it');
  });

  it('is in the log when it is found, once a day, when it changes and when it is over', async () => {
    const [clock, log] = [new SimClock(), new KeptLog()];
    const report = new SlowLineReport(clock, log);
    const told = () => log.records.splice(0).map(({ level, fields: { event } }) => `${level} ${event}`);
    report.tell({ ...LINK, slowLine: null });
    assert.deepEqual(told(), []);
    for (let hours = 0; hours < 25; hours += 1) {
      report.tell(LINK);
      await clock.advance(3_600_000);
    }
    assert.deepEqual(told(), ['warn slowLine', 'warn slowLine']);
    report.tell({ ...LINK, slowLine: { bitsPerSec: 1e6, limitedBy: 'line' } });
    assert.deepEqual(told(), ['warn slowLine']);
    report.tell({ ...LINK, slowLine: null });
    report.tell({ ...LINK, slowLine: null });
    assert.deepEqual(told(), ['info lineKeepsUp']);
  });

  it('is a warning of `check` while a daemon runs that has found it', async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'halfpipe-slow-'));
    await mkdir(join(path, '.halfpipe'));
    const server = createServer();
    t.after(async () => {
      server.close();
      await rm(path, { recursive: true });
    });
    assert.deepEqual(await findingsOfDaemon({ spool: { path } }), []);
    let link: LinkView | null = LINK;
    serveControl(server, { daemon: () => showing({ link }), redact: (text) => text });
    server.listen(join(path, '.halfpipe', 'control.sock'));
    await once(server, 'listening');
    assert.deepEqual(await findingsOfDaemon({ spool: { path } }), [{ verdict: 'WARN', text: ADVICE }]);
    link = null;
    assert.deepEqual(await findingsOfDaemon({ spool: { path } }), []);
  });
});

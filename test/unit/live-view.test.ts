// The live view: a snapshot in, text out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { columnsOf } from '../../src/view/columns.ts';
import { LiveHistory } from '../../src/view/live-history.ts';
import { renderLive, renderPlain } from '../../src/view/live-view.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { etaIn, forecastOf } from '../support/forecasts.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { DRAINING as draining, LINK, withBacklog } from '../support/snapshot-fixture.ts';

const WIDE = { columns: 80, rows: 23, color: false };

const PROBLEM: ProblemView = {
  kind: 'store',
  severity: 'degraded',
  sinceAtMs: draining.takenAtMs - 60_000,
  message: 'draining is paused: the bucket demo does not exist',
  remedy: 'create it or correct s3.bucket',
  nextTryAtMs: draining.takenAtMs + 12_000,
  files: null,
};

function historyOf(...snapshots: Snapshot[]): LiveHistory {
  const history = new LiveHistory();
  for (const snapshot of snapshots) history.add(snapshot);
  return history;
}

describe('renderLive', () => {
  it('says how many files are left, how old, how fast they come and go, when they are gone, and what the link carries', () => {
    const text = renderLive(draining, historyOf(draining), WIDE);
    for (const part of [
      'draining · 3,000 files to go (300 MB), oldest 30 s · lo 100 Mbit/s\n',
      '\ncatching up, done in 48 s\n',
      'in 4.86, out 62.3 files/s · 2,000 verified, deleted · uploads 3 of 4',
      'total 49.9 Mbit/s · target 50.0 Mbit/s · own 49.1 Mbit/s · others 840 kbit/s',
    ]) {
      assert.ok(text.includes(part), `${part} is missing in\n${text}`);
    }
  });

  it('says how much comes over HTTP while ingest is on, also in the plain line', () => {
    const { ingest } = fullSnapshot(1);
    const line =
      /over HTTP [\d,]+ files\/s \(.* kB\/s\) · [\d,]+ files \(.*\) accepted · receiving [\d,]+ · [\d,]+ refused/;
    const wide = { ...WIDE, columns: 160 };
    assert.match(renderLive({ ...draining, ingest }, historyOf(draining), wide), line);
    assert.match(renderPlain({ ...draining, ingest }), line);
    assert.doesNotMatch(renderLive(draining, historyOf(draining), wide), /over HTTP/);
  });

  const progress = [
    { deepest: 5000, left: 5000, percent: '0 %' },
    { deepest: 5000, left: 3000, percent: '40 %' },
    { deepest: 5000, left: 1, percent: '99 %' },
    { deepest: 5000, left: 0, percent: '100 %' },
  ];
  for (const { deepest, left, percent } of progress) {
    it(`shows ${percent} when ${left} of ${deepest} files are left`, () => {
      const now = withBacklog({ files: left });
      const [, bar = ''] = renderLive(now, historyOf(withBacklog({ files: deepest }), now), WIDE).split('\n');
      assert.ok(bar.endsWith(` ${percent}`), bar);
      assert.equal(bar.length, 80);
      assert.equal(bar.match(/━/g)?.length ?? 0, Math.round((74 * (deepest - left)) / deepest));
    });
  }

  it('begins a new countdown after the backlog was empty', () => {
    const now = withBacklog({ files: 10 });
    const history = historyOf(draining, withBacklog({ files: 0 }), now);
    assert.match(renderLive(now, history, WIDE), / 0 %$/m);
  });

  const forecasts = [
    { forecast: forecastOf('falling-behind'), text: 'falling behind' },
    { forecast: forecastOf('unknown'), text: 'ETA unknown' },
    { forecast: forecastOf('empty'), text: 'nothing to do' },
    { forecast: forecastOf('catching-up', { eta: etaIn(32 * 60_000) }), text: 'done at 14:32' },
  ];
  for (const { forecast, text } of forecasts) {
    it(`says "${text}"`, () => {
      assert.ok(renderLive(withBacklog({ forecast }), historyOf(), WIDE).includes(text));
    });
  }

  it('says what is wrong, for how long, when halfpipe tries again and what to do, also in the plain line', () => {
    const snapshot = { ...draining, problems: [PROBLEM] };
    const view = renderLive(snapshot, historyOf(), WIDE);
    assert.match(
      view,
      /^problems draining is paused: the bucket demo does not exist \(for 1 min, next try\n {9}in 12 s\)\n {9}→ create it or correct s3\.bucket$/m,
    );
    assert.match(renderPlain(snapshot), /; draining is paused: .* exist: create it or correct s3\.bucket$/);
  });

  it('says in the first line that the daemon is not running', () => {
    const lost = 'halfpipe has not been running since 14:32 (12 s): systemctl start halfpipe';
    assert.equal(renderLive(draining, historyOf(), { ...WIDE, lost }).split('\n')[0], lost);
  });

  it('ends with the keys', () => {
    const lines = renderLive(draining, historyOf(), { ...WIDE, footer: ['paused', 'q quit'] }).split('\n');
    assert.deepEqual(lines.slice(-2), ['paused', 'q quit']);
  });

  it('draws the total against the line of the target', () => {
    const history = historyOf(...Array.from({ length: 20 }, () => draining));
    const rows = renderLive(draining, history, WIDE).split('\n').slice(5);
    assert.equal(rows.length, 6);
    const target = rows.findIndex((row) => row.includes('┈'));
    assert.equal(target, 3, 'half of the capacity is half of the height');
    assert.ok(rows[target]?.endsWith(`${'█'.repeat(20)} 50.0 Mbit/s`), rows[target]);
    assert.ok(rows.slice(0, 3).every((row) => row.trim() === ''));
  });

  for (const [columns, rows] of [
    [1, 1],
    [5, 3],
    [20, 6],
    [40, 11],
    [79, 23],
    [120, 39],
    [300, 80],
  ] as const) {
    it(`keeps within ${columns} columns and ${rows} rows, whatever the numbers and names`, () => {
      const wide = '長い名前のファイル'.repeat(20);
      const huge: Snapshot = {
        ...withBacklog({ files: 12_345_678_901, bytes: 9e18, quarantined: 7 }),
        link: { ...LINK, totalBitsPerSec: 4e11, capacityBitsPerSec: 8e11, degraded: true },
        problems: Array.from({ length: 30 }, () => ({ ...PROBLEM, message: `${wide} ${'why '.repeat(90)}` })),
      };
      for (const color of [false, true]) {
        const options = { columns, rows, color, footer: ['p pause · r resume · t try again · q quit'] };
        const text = stripVTControlCharacters(renderLive(huge, historyOf(huge), options));
        const lines = text.split('\n');
        const widest = Math.max(...lines.map(columnsOf));
        assert.ok(widest <= columns, `${widest} columns:\n${text}`);
        assert.ok(lines.length <= rows, `${lines.length} rows:\n${text}`);
      }
    });
  }

  it('begins the graph with what the daemon remembers, a second as two columns of half a second', () => {
    const history = new LiveHistory();
    const series = { totalBitsPerSec: [null, 50e6], ownBitsPerSec: [null, 40e6] };
    history.begin({ stepMs: 1_000, series }, 500);
    const nothing = { own: 0, total: 0 };
    const busy = { own: 40e6, total: 50e6 };
    assert.deepEqual(history.rates, [nothing, nothing, busy, busy]);
  });

  it('draws the same text with and without colour, and without colour no escape sequence', () => {
    const history = historyOf(draining, draining);
    const plain = renderLive(draining, history, WIDE);
    const colored = renderLive(draining, history, { ...WIDE, color: true });
    assert.equal(stripVTControlCharacters(colored), plain);
    assert.notEqual(colored, plain);
    assert.ok(!plain.includes('\x1b'));
  });
});

it('renderPlain puts the state into one line, with age and arrivals', () => {
  const line = renderPlain(draining);
  assert.ok(!line.includes('\n'));
  assert.match(
    line,
    /^draining · 3,000 files to go \(300 MB\), oldest 30 s · lo 100 Mbit\/s; catching up, done in 48 s; in 4\.86, out 62/,
  );
});

// The live view: a snapshot in, text out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { LiveHistory } from '../../src/view/live-history.ts';
import { renderLive, renderPlain } from '../../src/view/live-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { etaIn, forecastOf } from '../support/forecasts.ts';
import { DRAINING as draining, LINK, withBacklog } from '../support/snapshot-fixture.ts';

const WIDE = { columns: 80, color: false };

function historyOf(...snapshots: Snapshot[]): LiveHistory {
  const history = new LiveHistory();
  for (const snapshot of snapshots) history.add(snapshot);
  return history;
}

describe('renderLive', () => {
  it('says how many files are left, how old, how fast they come and go, when they are gone, and what the link carries', () => {
    const text = renderLive(draining, historyOf(draining), WIDE);
    for (const part of [
      '3,000 files to go (300 MB), oldest 30 s · draining · lo 100 Mbit/s',
      '\ncatching up, done in 48 s\n',
      'in 4.86, out 62.3 files/s · 2,000 verified, deleted · uploads 3 of 4',
      'total 49.9 Mbit/s · own 49.1 Mbit/s · others 840 kbit/s · target 50.0 Mbit/s',
    ]) {
      assert.ok(text.includes(part), `${part} is missing in\n${text}`);
    }
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

  const troubles: { title: string; snapshot: Snapshot; text: string }[] = [
    {
      title: 'why the drain is paused',
      snapshot: { ...draining, state: 'paused', waitingFor: 'the bucket demo does not exist' },
      text: 'paused: the bucket demo does not exist',
    },
    {
      title: 'where it says what to do about a pause',
      snapshot: { ...draining, state: 'paused', waitingFor: 'the bucket demo does not exist' },
      text: 'what to do: journalctl -u halfpipe',
    },
    {
      title: 'that the floor is engaged',
      snapshot: { ...draining, link: { ...LINK, floorEngaged: true } },
      text: 'others take more than the target: sending the floor',
    },
    {
      title: 'that the link is not measured',
      snapshot: { ...draining, link: { ...LINK, degraded: true } },
      text: 'lo cannot be measured just now: sending at most half the target',
    },
    {
      title: 'that files need a human',
      snapshot: withBacklog({ quarantined: 2 }),
      text: '2 files in quarantine: halfpipe quarantine list',
    },
  ];
  for (const { title, snapshot, text } of troubles) {
    it(`says ${title}, in the view and in the plain line`, () => {
      assert.ok(renderLive(snapshot, historyOf(), WIDE).includes(text));
      assert.ok(renderPlain(snapshot).includes(text));
      assert.ok(!renderLive(draining, historyOf(), WIDE).includes(text));
    });
  }

  it('draws the total against the line of the target', () => {
    const history = historyOf(...Array.from({ length: 20 }, () => draining));
    const rows = renderLive(draining, history, WIDE).split('\n').slice(6);
    assert.equal(rows.length, 6);
    const target = rows.findIndex((row) => row.includes('┈'));
    assert.equal(target, 3, 'half of the capacity is half of the height');
    assert.ok(rows[target]?.endsWith(`${'█'.repeat(20)} 50.0 Mbit/s`), rows[target]);
    assert.ok(rows.slice(0, 3).every((row) => row.trim() === ''));
  });

  for (const columns of [1, 5, 20, 40, 79, 300]) {
    it(`keeps every line within ${columns} columns, whatever the numbers`, () => {
      const huge: Snapshot = {
        ...withBacklog({ files: 12_345_678_901, bytes: 9e18, quarantined: 7 }),
        link: { ...LINK, totalBitsPerSec: 4e11, capacityBitsPerSec: 8e11, degraded: true },
        waitingFor: 'a very long reason '.repeat(20),
      };
      for (const color of [false, true]) {
        const text = stripVTControlCharacters(renderLive(huge, historyOf(huge), { columns, color }));
        const widest = Math.max(...text.split('\n').map((line) => [...line].length));
        assert.ok(widest <= columns, `${widest} columns:\n${text}`);
      }
    });
  }

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
    /^3,000 files to go \(300 MB\), oldest 30 s · draining · lo 100 Mbit\/s; catching up, done in 48 s; in 4\.86, out 62/,
  );
});

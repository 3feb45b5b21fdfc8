import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderGraph } from '../../src/view/graph.ts';
import { painter } from '../../src/view/ink.ts';

const shape = { columns: 4, rows: 2, top: 100, level: 50, label: ' 50' };

const plain = painter(false);
/** Own traffic alone. */
const own = (...values: number[]) => values.map((value) => ({ own: value, total: value }));

describe('renderGraph', () => {
  it('draws a sample as a column in eighths of a row', () => {
    assert.deepEqual(renderGraph(own(0, 25, 50, 100), shape, plain), ['   █', '┈▄██ 50']);
  });

  it('keeps the newest samples on the right and drops the oldest', () => {
    assert.deepEqual(renderGraph(own(100, 0, 0, 0, 50), shape, plain), ['    ', '┈┈┈█ 50']);
    assert.deepEqual(renderGraph(own(50), shape, plain), ['    ', '┈┈┈█ 50']);
  });

  it('draws the line in the row whose upper edge it is', () => {
    assert.deepEqual(renderGraph([], { ...shape, level: 100 }, plain), ['┈┈┈┈ 50', '    ']);
    assert.deepEqual(renderGraph([], { ...shape, level: 0 }, plain), ['    ', '┈┈┈┈ 50']);
    assert.deepEqual(renderGraph([], { ...shape, level: 51, rows: 100 }, plain).indexOf('┈┈┈┈ 50'), 49);
  });

  it('stacks the traffic of others on top of own traffic', () => {
    const samples = [
      { own: 50, total: 100 },
      { own: 0, total: 50 },
      { own: 25, total: 75 },
      { own: 50, total: 75 },
    ];
    assert.deepEqual(renderGraph(samples, shape, plain), ['░ ▄▄', '█░▄█ 50']);
  });

  it('gives own traffic, others and the line a colour each', () => {
    const samples = [
      { own: 50, total: 100 },
      { own: 0, total: 0 },
    ];
    const [above, below] = renderGraph(samples, { ...shape, columns: 2 }, painter(true));
    assert.equal(above, '\x1b[35m░\x1b[0m ');
    assert.equal(below, '\x1b[36m█\x1b[0m\x1b[33m┈\x1b[0m 50');
  });

  it('cuts off what is beyond its edges, and survives nonsense', () => {
    assert.deepEqual(renderGraph(own(1e12, -5, Number.NaN, 0), shape, plain), ['█   ', '█┈┈┈ 50']);
    assert.deepEqual(renderGraph(own(1, 2), { ...shape, top: 0 }, plain), ['    ', '┈┈┈┈ 50']);
    assert.deepEqual(renderGraph(own(1, 2), { ...shape, columns: 0 }, plain), ['', ' 50']);
    assert.deepEqual(renderGraph([{ own: 100, total: 50 }], { ...shape, columns: 1 }, plain), ['█', '█ 50']);
  });
});

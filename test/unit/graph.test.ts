import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderGraph } from '../../src/view/graph.ts';

const shape = { columns: 4, rows: 2, top: 100, level: 50, label: ' 50' };

describe('renderGraph', () => {
  it('draws a sample as a column in eighths of a row', () => {
    assert.deepEqual(renderGraph([0, 25, 50, 100], shape), ['   █', '┈▄██ 50']);
  });

  it('keeps the newest samples on the right and drops the oldest', () => {
    assert.deepEqual(renderGraph([100, 0, 0, 0, 50], shape), ['    ', '┈┈┈█ 50']);
    assert.deepEqual(renderGraph([50], shape), ['    ', '┈┈┈█ 50']);
  });

  it('draws the line in the row whose upper edge it is', () => {
    assert.deepEqual(renderGraph([], { ...shape, level: 100 }), ['┈┈┈┈ 50', '    ']);
    assert.deepEqual(renderGraph([], { ...shape, level: 0 }), ['    ', '┈┈┈┈ 50']);
    assert.deepEqual(renderGraph([], { ...shape, level: 51, rows: 100 }).indexOf('┈┈┈┈ 50'), 49);
  });

  it('cuts off what is beyond its edges, and survives nonsense', () => {
    assert.deepEqual(renderGraph([1e12, -5, Number.NaN, 0], shape), ['█   ', '█┈┈┈ 50']);
    assert.deepEqual(renderGraph([1, 2], { ...shape, top: 0 }), ['    ', '┈┈┈┈ 50']);
    assert.deepEqual(renderGraph([1, 2], { ...shape, columns: 0 }), ['', ' 50']);
  });
});

// Draws what the link carries over time, the newest on the right: own traffic, that of others on
// top of it, and a line at one level. A column is one sample; an eighth of a row is the smallest
// step.
import type { Ink, Painter } from './ink.ts';

const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
/** A whole row of others. */
const OTHERS = '░';
/** The character of the line, where nothing covers it. */
const LINE = '┈';

export interface GraphSample {
  readonly own: number;
  /** Own traffic and that of others together. */
  readonly total: number;
}

export interface GraphShape {
  readonly columns: number;
  readonly rows: number;
  /** The value at the upper edge. Larger samples are cut there. */
  readonly top: number;
  /** The value at which the line is drawn. */
  readonly level: number;
  /** Written to the right of the line. */
  readonly label: string;
}

interface Cell {
  readonly glyph: string;
  readonly ink: Ink;
}

/**
 * Returns the rows from top to bottom, `columns` wide without the label. If there are too many
 * samples, the oldest are left out.
 */
export function renderGraph(samples: readonly GraphSample[], shape: GraphShape, paint: Painter): string[] {
  const { columns, rows, top, level, label } = shape;
  const shown = columns > 0 ? samples.slice(-columns) : [];
  const blank = Math.max(0, columns - shown.length);
  const heights = shown.map(({ own, total }) => {
    const ownEighths = eighths(own, top, rows);
    return { own: ownEighths, total: Math.max(ownEighths, eighths(total, top, rows)) };
  });
  // A level on the border of two rows belongs to the lower one, because it is that row's upper
  // edge.
  const levelRow = Math.max(0, Math.ceil(eighths(level, top, rows) / 8) - 1);
  return Array.from({ length: rows }, (_, index) => {
    const row = rows - 1 - index;
    const empty: Cell = { glyph: row === levelRow ? LINE : ' ', ink: 'yellow' };
    const within = (height: number) => Math.min(8, Math.max(0, height - row * 8));
    const cells = [
      ...Array.from({ length: blank }, () => empty),
      ...heights.map(({ own, total }) => cellOf(within(own), within(total), empty)),
    ];
    return painted(cells, paint) + (row === levelRow ? label : '');
  });
}

/** Where both end in one cell, own traffic is drawn. */
function cellOf(own: number, total: number, empty: Cell): Cell {
  if (total === 0) return empty;
  if (own > 0) return { glyph: EIGHTHS[own] ?? ' ', ink: 'cyan' };
  return { glyph: total === 8 ? OTHERS : (EIGHTHS[total] ?? ' '), ink: 'magenta' };
}

/** Colours each run of cells of one ink at once. */
function painted(cells: readonly Cell[], paint: Painter): string {
  let text = '';
  for (let at = 0; at < cells.length; ) {
    const ink = cells[at]?.ink ?? 'yellow';
    let run = '';
    for (; cells[at]?.ink === ink; at += 1) run += cells[at]?.glyph;
    text += paint(ink, run);
  }
  return text;
}

function eighths(value: number, top: number, rows: number): number {
  if (!(top > 0 && value > 0)) return 0;
  return Math.round(Math.min(1, value / top) * rows * 8);
}

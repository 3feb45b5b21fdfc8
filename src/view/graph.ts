// Draws a rate over time as block characters, the newest on the right, with a line at one level.
// Pure text without colour. A column is one sample; an eighth of a row is the smallest step.

const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** The character of the line, where no bar covers it. */
export const LINE = '┈';

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

/**
 * Returns the rows from top to bottom, `columns` wide without the label. If there are too many
 * samples, the oldest are left out.
 */
export function renderGraph(samples: readonly number[], shape: GraphShape): string[] {
  const { columns, rows, top, level, label } = shape;
  const shown = columns > 0 ? samples.slice(-columns) : [];
  const blank = columns - shown.length;
  const heights = shown.map((sample) => eighths(sample, top, rows));
  // A level on the border of two rows belongs to the lower one, because it is that row's upper
  // edge.
  const levelRow = Math.max(0, Math.ceil(eighths(level, top, rows) / 8) - 1);
  return Array.from({ length: rows }, (_, index) => {
    const row = rows - 1 - index;
    const empty = row === levelRow ? LINE : ' ';
    const cells = heights.map((height) => {
      const filled = Math.min(8, Math.max(0, height - row * 8));
      return filled === 0 ? empty : EIGHTHS[filled];
    });
    return empty.repeat(Math.max(0, blank)) + cells.join('') + (row === levelRow ? label : '');
  });
}

function eighths(value: number, top: number, rows: number): number {
  if (!(top > 0 && value > 0)) return 0;
  return Math.round(Math.min(1, value / top) * rows * 8);
}

// The lists below the graph of the live view: problems and files. Each gets lines in turn until the
// screen is full, so that none crowds out another.
import { columnsOf, fitted, padded, wrapped } from './columns.ts';
import type { Ink, Painter } from './ink.ts';
import type { ProblemView } from './problem-view.ts';
import { readableDuration, readableWait } from './readable.ts';

export interface Section {
  /** Written before the first line. */
  readonly name: string;
  readonly ink: Ink | undefined;
  /** Lines that belong together count as one entry. */
  readonly entries: readonly (readonly string[])[];
}

/** The columns of the names. */
export const NAME_COLUMNS = 9;

/** The lines of all sections, at most `rows`, each at most `columns` wide. */
export function renderSections(
  sections: readonly Section[],
  { rows, columns, paint }: { readonly rows: number; readonly columns: number; readonly paint: Painter },
): string[] {
  const counts = allot(sections, Math.max(0, rows));
  const all = sections.flatMap(({ name, ink, entries }, at) => {
    const lines = entries.slice(0, counts[at] ?? 0).flat();
    return lines.map((line, index) => {
      const head = padded(index === 0 ? name : '', NAME_COLUMNS);
      const body = fitted(line, columns - columnsOf(head));
      return fitted(head, columns) + (ink === undefined ? body : paint(ink, body));
    });
  });
  // The last entry may be longer than what is left.
  return all.slice(0, Math.max(0, rows));
}

/** How many entries of each section fit, one after another in turn. */
function allot(sections: readonly Section[], rows: number): number[] {
  const counts = sections.map(() => 0);
  let left = rows;
  for (let given = true; given; ) {
    given = false;
    for (const [at, { entries }] of sections.entries()) {
      const next = entries[counts[at] ?? 0];
      if (next === undefined || left === 0) continue;
      counts[at] = (counts[at] ?? 0) + 1;
      left = Math.max(0, left - next.length);
      given = true;
    }
  }
  return counts;
}

/** What is wrong, since when, and when halfpipe tries again; below it, what to do. */
export function problemSection(
  problems: readonly ProblemView[],
  { nowMs, columns }: { readonly nowMs: number; readonly columns: number },
): Section {
  const wrap = (text: string) => wrapped(text, Math.max(1, columns));
  return {
    name: 'problems',
    ink: 'red',
    entries: problems.map(({ message, sinceAtMs, nextTryAtMs, remedy }) => {
      const lasts = `for ${readableDuration(nowMs - sinceAtMs)}`;
      const next = nextTryAtMs === null ? '' : `, next try ${readableWait(nextTryAtMs, nowMs)}`;
      return [...wrap(`${message} (${lasts}${next})`), ...(remedy === null ? [] : wrap(`→ ${remedy}`))];
    }),
  };
}

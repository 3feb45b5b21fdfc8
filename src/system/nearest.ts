// Finds the name that was probably meant by a mistyped one: for keys, commands and options.

/** Undefined if no name is near. `known` is not empty. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  const candidates = [...known].map((name) => ({ name, distance: distance(typed, name) }));
  const best = candidates.reduce((best, next) => (next.distance < best.distance ? next : best));
  return best.distance <= Math.max(2, typed.length / 3) ? best.name : undefined;
}

/**
 * The number of edits from one name to the other, ignoring case. The right name in a wrong place is
 * one edit away.
 */
function distance(key: string, name: string): number {
  const typed = key.toLowerCase();
  const wanted = name.toLowerCase();
  return Math.min(editDistance(typed, wanted), 1 + editDistance(lastWord(typed), lastWord(wanted)));
}

function lastWord(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** The Levenshtein distance: insertions, deletions and substitutions, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

// How wide text is on a terminal, and how it is cut to fit. Names of files may hold any character.

/** Characters that take two columns: East Asian scripts and pictographs; see UAX #11. */
const WIDE =
  /^(?:[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})$/u;
/** Characters that take none: they combine with the one before, or are invisible. */
const NARROW = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const CUT = '…';

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** The beginning of the text, with `…` at its end if it does not fit. */
export function fitted(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  return columns < 1 ? '' : `${taken([...text], columns - 1).join('')}${CUT}`;
}

/** The end of the text, with `…` before it if it does not fit: the end of a path tells more. */
export function fittedEnd(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return '';
  return `${CUT}${taken([...text].reverse(), columns - 1)
    .reverse()
    .join('')}`;
}

/** Breaks the text between words into lines that fit; a longer word is cut. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + 1 + columnsOf(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(fitted(word, columns));
  }
  return lines;
}

/** The text with spaces behind it, as padEnd(), in columns. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

function taken(characters: readonly string[], columns: number): string[] {
  let left = columns;
  const end = characters.findIndex((character) => {
    left -= widthOf(character);
    return left < 0;
  });
  return characters.slice(0, end === -1 ? characters.length : end);
}

function widthOf(character: string): number {
  if (character < '\u0300') return 1;
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

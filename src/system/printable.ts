// Makes names from files, servers and people safe to print in a line.

/**
 * Escapes what could break a line, move a cursor or reorder text: C0, C1, bidirectional and
 * line-separator characters.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffd]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

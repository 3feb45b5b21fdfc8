// Makes names from files, servers and people safe to print in a line.

/**
 * Escapes what could break a line, move a cursor or reorder text: C0, C1, bidirectional and
 * line-separator characters.
 */
export function printable(text: string): string {
  if (isPlainAscii(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffd]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** True if nothing in the text needs care. Most names are so, and this is quickly seen. */
export function isPlainAscii(text: string): boolean {
  return !/[^ -~]/.test(text);
}

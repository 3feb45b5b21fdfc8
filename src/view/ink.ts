// Colours for a terminal.

/**
 * SGR parameters (ECMA-48). They use the terminal's own palette, so that light and dark themes both
 * work.
 */
const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;

export type Ink = keyof typeof SGR;

/** Colours a text. Without colours, and for blank text, it returns the text as it is. */
export type Painter = (ink: Ink, text: string) => string;

export function painter(color: boolean): Painter {
  return (ink, text) => (color && text.trim() !== '' ? `\x1b[${SGR[ink]}m${text}\x1b[0m` : text);
}

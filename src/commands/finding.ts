// One line of the output of `halfpipe check`.

export interface Finding {
  readonly verdict: 'ok' | 'WARN' | 'FAIL';
  readonly text: string;
}

export const ok = (text: string): Finding => ({ verdict: 'ok', text });
export const warns = (text: string): Finding => ({ verdict: 'WARN', text });
export const fails = (text: string): Finding => ({ verdict: 'FAIL', text });

/** A finding as a line of the table. `name` is what was examined. */
export function row(name: string, { verdict, text }: Finding): string {
  return `${verdict.padEnd(5)}${name.padEnd(7)} ${text}\n`;
}

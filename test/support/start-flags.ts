// How every test, benchmark and demo starts the program: as its first line does.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The flags that the program's first line gives to Node.js. They bound the memory. */
export function startFlags(): readonly string[] {
  const [line = ''] = readFileSync(MAIN, 'utf8').split('\n');
  const [, flags] = /^#!\/usr\/bin\/env -S node (.+)$/.exec(line) ?? [];
  if (flags === undefined) throw new Error(`the first line of ${MAIN} gives no flags: ${line}`);
  return flags.split(' ');
}

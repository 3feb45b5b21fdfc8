// The program as it is shipped, for tests that start it: compiled, it starts in a third of the time.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'main.js');

const writtenAtMs = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

let isFresh = false;

/** The path of the compiled `main.js`; compiles first if a source is newer, so that no test tries older code. */
export function compiledMain(): string {
  if (isFresh) return MAIN;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const changedAtMs = Math.max(...sources.map((name) => writtenAtMs(join(ROOT, 'src', name))));
  if (writtenAtMs(MAIN) < changedAtMs)
    execFileSync('npm', ['run', '--silent', 'compile'], { cwd: ROOT, stdio: 'inherit' });
  isFresh = true;
  return MAIN;
}

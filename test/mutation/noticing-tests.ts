// Which tests can notice that a file of src was changed: those that import it, themselves or through test/support.
// What a test reaches through src alone is left out: nearly every test reaches nearly every file that way.
import { dirname, join, normalize } from 'node:path';

/** Test files that would multiply the time of a run, and why nothing is lost without them. */
const TOO_SLOW: Readonly<Record<string, string>> = {
  'test/simulation/faults.test.ts': 'thousands of worlds: few-worlds.test.ts runs some of them',
  'test/simulation/slow-line.test.ts': 'days of simulated time, about the pace and the drain as a whole',
  'test/unit/generated.test.ts': 'compares texts',
};
const FEW_WORLDS = 'test/mutation/few-worlds.test.ts';

/** Texts by path from the root of the repository. */
export type Sources = ReadonlyMap<string, string>;

function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;]*?from\s+)?'(\.[^']+)';/gms);
  return [...found].map(([, path = '']) => normalize(join(dirname(file), path)));
}

/** How many imports lead from `file` to one of `changed`, through test/support alone; undefined: none do. */
function distance(sources: Sources, file: string, changed: ReadonlySet<string>): number | undefined {
  const seen = new Set([file]);
  let reached = [file];
  for (let steps = 1; reached.length > 0; steps += 1) {
    const next = reached.flatMap((from) => importsOf(from, sources.get(from) ?? ''));
    if (next.some((path) => changed.has(path))) return steps;
    reached = [...new Set(next)].filter((path) => path.startsWith('test/support/') && !seen.has(path));
    for (const path of reached) seen.add(path);
  }
  return undefined;
}

/** The nearest first, and the quick unit tests before what listens on sockets: the first that notices ends a trial. */
export function testsThatNotice(sources: Sources, changed: ReadonlySet<string>): string[] {
  const kinds = ['test/unit/', 'test/property/', FEW_WORLDS, 'test/simulation/', 'test/integration/'];
  const rank = (file: string) => kinds.findIndex((kind) => file.startsWith(kind));
  return [...sources.keys()]
    .filter((file) => file.endsWith('.test.ts') && rank(file) >= 0 && TOO_SLOW[file] === undefined)
    .map((file) => ({ file, steps: distance(sources, file, changed) }))
    .filter(({ steps }) => steps !== undefined)
    .sort((a, b) => rank(a.file) - rank(b.file) || (a.steps ?? 0) - (b.steps ?? 0))
    .map(({ file }) => file);
}

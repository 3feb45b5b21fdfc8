import assert from 'node:assert/strict';
import test from 'node:test';
import { testsThatNotice } from '../mutation/noticing-tests.ts';
import { survivorsTable } from '../mutation/survivors-table.ts';

const SOURCE = 'const a = 1;\n  if (b || c) {\n    go();\n  }\n';

function mutant(status: string, replacement: string, ...places: [number, number, number, number]) {
  const [line, column, endLine, endColumn] = places;
  const location = { start: { line, column }, end: { line: endLine, column: endColumn } };
  return { status, replacement, location };
}

function rows(read: Parameters<typeof survivorsTable>[1], ...mutants: ReturnType<typeof mutant>[]): string[] {
  return survivorsTable({ files: { 'src/a.ts': { source: SOURCE, mutants } } }, read)
    .split('\n')
    .slice(2);
}

test('the table counts what was noticed, a standstill included, and nothing that was not tried', () => {
  const place = [1, 1, 1, 2] as const;
  const statuses = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'Ignored', 'RuntimeError'];
  const [first] = rows({}, ...statuses.map((status) => mutant(status, '', ...place)));
  assert.equal(first, '| `src/a.ts` | 4 | 2 | | | |');
});

test('a survivor that is not in the list of those that were read is printed as unread, by its line', () => {
  const found = rows({}, mutant('Survived', '{}', 2, 15, 4, 4), mutant('Survived', 'b && c', 2, 7, 2, 13));
  assert.deepEqual(found.slice(1), [
    '| | | | 2 | `{ go(); } → {}` | unread |',
    '| | | | 2 | `b \\|\\| c → b && c` | unread |',
  ]);
});

test('a survivor that was read has its word, wherever its line has moved to, and another change has none', () => {
  const read = { 'src/a.ts': [{ line: 'if (b || c) {', change: 'b || c → true', word: 'equivalent: so' }] };
  const survivors = [mutant('Survived', 'true', 2, 7, 2, 13), mutant('Survived', 'false', 2, 7, 2, 13)];
  assert.deepEqual(
    rows(read, ...survivors)
      .slice(1)
      .map((row) => row.split(' | ').at(-1)),
    ['equivalent: so |', 'unread |'],
  );
  assert.match(rows({ 'src/b.ts': read['src/a.ts'] }, ...survivors)[1] ?? '', /unread/);
});

test('a long change is cut, and stands on one line', () => {
  const row = rows({}, mutant('Survived', `f(\n${'x'.repeat(300)}\n)`, 1, 1, 1, 2))[1] ?? '';
  assert.match(row, /`c → f\( x{47}…x{48} \)`/);
});

test('those tests can notice a change that import the file, themselves or through test/support, the nearest first', () => {
  const sources = new Map([
    ['test/unit/far.test.ts', "import { bench } from '../support/bench.ts';"],
    ['test/unit/near.test.ts', "import {\n  a,\n} from '../../src/drain/a.ts';"],
    ['test/integration/all.test.ts', "import { a } from '../../src/drain/a.ts';"],
    ['test/unit/types.test.ts', "import type { A } from '../../src/drain/a.ts';"],
    ['test/unit/other.test.ts', "import { b } from '../../src/drain/b.ts';"],
    ['test/support/bench.ts', "import { a } from '../../src/drain/a.ts';"],
    ['test/simulation/faults.test.ts', "import '../support/bench.ts';"],
    ['test/mutation/few-worlds.test.ts', "import '../support/bench.ts';"],
  ]);
  assert.deepEqual(testsThatNotice(sources, new Set(['src/drain/a.ts'])), [
    'test/unit/near.test.ts',
    'test/unit/far.test.ts',
    'test/mutation/few-worlds.test.ts',
    'test/integration/all.test.ts',
  ]);
});

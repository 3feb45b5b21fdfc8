// Holds what a reader of the sources may rely on: which way imports point, the one place for the clock, the environment,
// the exit and each deletion, and the shape of a file. And that every test the acceptance list names exists.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LINES_MAX = 240;

function filesBelow(folder: string): string[] {
  const found = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return found.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const SOURCES = new Map(filesBelow('src').map((file) => [file, read(file)]));
const TESTS = new Map(filesBelow('test').map((file) => [file, read(file)]));

/** The code alone: no comments, so that prose may name what code may not use. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

/** A folder of src is a stage; a file right in it stands for itself. */
function stageOf(file: string): string {
  return file.split('/')[2] === undefined ? basename(file) : (file.split('/')[1] ?? file);
}

function importsOf(file: string, text: string): { readonly stage: string; readonly typeOnly: boolean }[] {
  const found = codeOf(text).matchAll(/^(?:import|export)(\s+type)?[^;]*?from '(\.[^']+)';/gms);
  return [...found].map(([, type, path = '']) => ({
    stage: stageOf(normalize(join(dirname(file), path))),
    typeOnly: type !== undefined,
  }));
}

const FLOW = ['link', 'pace', 'sending', 'spool', 'store', 'system'];

/** What each stage may know: itself and what lies upstream of it, never what uses it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  system: [],
  config: ['system'],
  link: ['system'],
  pace: ['system'],
  spool: ['system'],
  store: ['system'],
  drain: ['spool', 'store', 'system'],
  view: ['drain', 'link', 'pace', 'spool', 'system'],
  // Joins link and pace, and is what the store sends through.
  sending: ['link', 'pace', 'store', 'system'],
  commands: ['config', ...FLOW, 'view', 'daemon.ts', 'settings-of.ts'],
  'settings-of.ts': ['config', 'drain', ...FLOW],
  'daemon.ts': ['config', 'drain', ...FLOW, 'view', 'settings-of.ts'],
  'main.ts': ['commands', 'config', 'system'],
};

/** As MAY_IMPORT, for types, which leave no trace at run time. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  // The order of a spool is one of the settings.
  config: ['spool'],
  // The report of a reload names the keys that changed; the debug log tells of requests.
  view: ['config', 'store'],
  // What the SDK calls a request.
  store: ['sending'],
};

test('imports point down the flow: link, pace, spool and store know nothing of each other', () => {
  const wrong = [...SOURCES].flatMap(([file, text]) =>
    importsOf(file, text)
      .filter(({ stage, typeOnly }) => {
        const own = stageOf(file);
        const types = typeOnly ? (MAY_IMPORT_TYPES[own] ?? []) : [];
        return stage !== own && ![...(MAY_IMPORT[own] ?? []), ...types].includes(stage);
      })
      .map(({ stage }) => `${file} imports ${stage}`),
  );
  assert.deepEqual(wrong, []);
});

test('every stage is known to this test', () => {
  const stages = new Set([...SOURCES.keys()].map(stageOf));
  assert.deepEqual([...stages].sort(), Object.keys(MAY_IMPORT).sort());
});

const READS_TIME =
  /\bDate\.now\b|new Date\(\)|\bperformance\b|\bhrtime\b|\bset(Timeout|Interval)\b|AbortSignal\.timeout|node:timers/;
const TIME_EXCEPTIONS: Readonly<Record<string, string>> = {
  'src/system/clock.ts': 'the clock port itself',
  'src/commands/examine-spool.ts': 'part of check',
  'src/commands/examine-store.ts': 'runs once, in the foreground, under no simulation',
  'src/store/multipart.ts': 'bounds the request that gives up an upload whose own signal is over',
};

/**
 * `file: text` of every match in code outside `allowed`; and each file allowed has one, or the pattern has gone blind, or
 * the exception is not needed any more.
 */
function assertOnlyIn(pattern: RegExp, allowed: readonly string[], why?: string): void {
  const matches = (file: string) => [...codeOf(SOURCES.get(file) ?? '').matchAll(new RegExp(pattern, 'g'))];
  const elsewhere = [...SOURCES.keys()].filter((file) => !allowed.includes(file));
  assert.deepEqual(
    elsewhere.flatMap((file) => matches(file).map(([text]) => `${file}: ${text.trim()}`)),
    [],
    why,
  );
  assert.deepEqual(
    allowed.filter((file) => matches(file).length === 0),
    [],
    `${pattern} matches nothing where it may`,
  );
}

test('time is read in system/clock.ts alone', () => {
  assertOnlyIn(READS_TIME, Object.keys(TIME_EXCEPTIONS));
});

/** The commands of the operator's own shell. */
const OF_THE_SHELL = [
  'src/commands/as-service-user.ts',
  'src/commands/sandbox.ts',
  'src/commands/service-unit.ts',
];

test('each program that the daemon starts has an environment of its own, without credentials', () => {
  const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length;
  const starts = (text: string) => count(text, /\b(?:spawn|execFile|exec|fork)(?:Sync)?\)?\(/g);
  const starting = [...SOURCES].filter(([, text]) => text.includes("from 'node:child_process'"));
  assert.deepEqual(
    starting
      .filter(([, text]) => starts(codeOf(text)) !== count(codeOf(text), /\benv: \{/g))
      .map(([file]) => file)
      .sort(),
    OF_THE_SHELL,
  );
  assert.equal(starting.length, OF_THE_SHELL.length + 4);
});

test('process.env and process.exit stand in main.ts alone', () => {
  assertOnlyIn(/\bprocess\.(env|exit|exitCode|abort|kill)\b/, ['src/main.ts']);
});

const REMOVES = 'unlink|unlinkSync|rm|rmSync|rmdir|rmdirSync';
const OVERWRITES =
  'rename|renameSync|truncate|truncateSync|ftruncate|ftruncateSync|copyFile|copyFileSync|cp|cpSync';

/** An import of one of `names` from node:fs, however its lines are broken, or a call of one as a plain function. */
function usesOf(names: string): RegExp {
  return new RegExp(
    `import\\s*\\{[^}]*\\b(?:${names})\\b[^}]*\\}\\s*from 'node:fs|(?<![.\\w#])(?:${names})\\(`,
  );
}

test('only spool/open-directory.ts can remove anything from a file system', () => {
  assertOnlyIn(usesOf(REMOVES), ['src/spool/open-directory.ts']);
  assertOnlyIn(
    /import\s+(type\s+)?(\*\s*as\s+)?\w+\s+from 'node:fs|import\(\s*'node:fs|process\.binding/,
    [],
  );
});

test('only the spool uses what spool/open-directory.ts can remove', () => {
  const callers = [...SOURCES.keys()].filter((file) => file.startsWith('src/spool/'));
  const calls = callers.filter((file) => /\.(unlink|removeIfEmpty)\(/.test(codeOf(SOURCES.get(file) ?? '')));
  assert.ok(calls.length > 5, calls.join());
  assertOnlyIn(/\.(unlink|removeIfEmpty)\(/, calls);
  assert.ok(calls.every((file) => file.startsWith('src/spool/')));
});

test('a file is moved, which may replace another, in these places alone', () => {
  assertOnlyIn(usesOf(OVERWRITES), [
    // Out of the spool, onto a place that is known to be free.
    'src/spool/aside.ts',
    'src/spool/quarantine.ts',
    // Into the spool, over its own claim.
    'src/spool/put-back.ts',
    // Within the private folder, and the probe's own file.
    'src/spool/instance-lock.ts',
    'src/spool/private-folder.ts',
    'src/spool/removability.ts',
    'src/spool/salvage.ts',
    'src/spool/spare-space.ts',
    'src/spool/write-durably.ts',
  ]);
});

const REMOVES_FILE = /\.remove\(/;

test('the guards see what they guard against', () => {
  for (const [pattern, code] of [
    [usesOf(REMOVES), "import {\n  open,\n  unlink,\n} from 'node:fs/promises';"],
    [usesOf(REMOVES), "import { rm as remove } from 'node:fs/promises';"],
    [usesOf(REMOVES), 'await unlink(path);'],
    [usesOf(OVERWRITES), "import {\n  rename,\n} from 'node:fs/promises';"],
    [usesOf(OVERWRITES), 'renameSync(here, there);'],
    [REMOVES_FILE, '(await spool.setAside(file)).remove(proof, holdOn)'],
    [REMOVES_FILE, 'aside\n  .remove()'],
  ] as const)
    assert.match(code, pattern);
  assert.doesNotMatch('return home.unlink(name);', usesOf(REMOVES), 'that is the one of OpenDirectory');
});

test('only drain/dispose.ts removes a file of a producer', () => {
  // SpoolDirectory hands out the handle, and passes the call on.
  assertOnlyIn(REMOVES_FILE, ['src/drain/dispose.ts', 'src/spool/spool-directory.ts']);
});

test('only drain/verify.ts makes a proof', () => {
  assertOnlyIn(/\bas (unknown as )?(Removal)?Proof\b/, ['src/drain/verify.ts']);
  assert.equal(codeOf(SOURCES.get('src/drain/verify.ts') ?? '').split(' as Proof').length, 2, 'in one place');
});

test('no type check and no lint rule is talked out of its job', () => {
  const { linter } = JSON.parse(read('.biome.json'));
  assert.equal(linter.rules.suspicious.noExplicitAny, 'error');
  assert.equal(linter.rules.style.noNonNullAssertion, 'error');
  assert.equal(linter.rules.style.noDefaultExport, 'error');
  assertOnlyIn(/\bas any\b|[:<]\s*any\b|\bexport default\b/, []);
  const excuses = /@ts-(ignore|nocheck|expect-error)|biome-ignore|\b(TODO|FIXME|XXX|HACK)\b/;
  const excused = [...SOURCES].filter(([, text]) => excuses.test(text));
  assert.deepEqual(
    excused.map(([file]) => file),
    [],
  );
});

test('every source opens with its place in the flow', () => {
  const silent = [...SOURCES].filter(([, text]) => !/^(#!.*\n)?\/\/ \S/.test(text));
  assert.deepEqual(
    silent.map(([file]) => file),
    [],
  );
});

test(`no source has more than ${LINES_MAX} lines of code`, () => {
  const linesOf = (text: string) =>
    codeOf(text)
      .split('\n')
      .filter((line) => line.trim() !== '').length;
  const long = [...SOURCES].map(([file, text]) => [file, linesOf(text)] as const);
  assert.deepEqual(
    long.filter(([, lines]) => lines > LINES_MAX),
    [],
  );
});

test('names of sources are unique, so that a test finds its file', () => {
  const names = [...SOURCES.keys()].map((file) => basename(file));
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

test('every test that ACCEPTANCE.md names exists', () => {
  const rows = read('test/ACCEPTANCE.md').matchAll(
    /^\|[^|]+\|[^|]+\| `(test\/[^`]+)` \| ([^|]+) \| [^|]+ \|$/gm,
  );
  const named = [...rows].map(([, file = '', title = '']) => ({ file, title: title.trim() }));
  assert.ok(named.length > 50, `only ${named.length} rows were understood`);
  const missing = named.filter(({ file, title }) => !names(TESTS.get(file) ?? '', title));
  assert.deepEqual(missing, []);
});

/** `…` in a title stands for what a table of cases puts there. */
function names(text: string, title: string): boolean {
  const literal = title.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(literal.join('[^\\n]*')).test(text);
}

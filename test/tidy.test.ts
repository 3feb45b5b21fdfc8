// Holds what a reader of the sources may rely on: which way imports point, the one place for the clock, the environment,
// the exit and each deletion, and the shape of a file. And that every test the acceptance list names exists.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LINES_MAX = 240;
const COMMENT_COLUMNS_MAX = 100;

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

/** A folder of src is a room, as is each store's; a file right in src stands for itself. */
function roomOf(file: string): string {
  const folder = dirname(file).slice('src/'.length);
  return folder === '' ? basename(file) : folder;
}

interface Import {
  readonly path: string;
  readonly room: string;
  readonly typeOnly: boolean;
  /** True for `import(…)`. */
  readonly isLater: boolean;
}

function importsOf(file: string, text: string): Import[] {
  const stated = codeOf(text).matchAll(/^(?:import|export)(\s+type)?[^;]*?from '(\.[^']+)';/gms);
  const loadedLater = codeOf(text).matchAll(/\b(import\()'(\.[^']+)'\)/g);
  return [...stated, ...loadedLater].map(([, kind = '', specifier = '']) => {
    const path = normalize(join(dirname(file), specifier));
    return { path, room: roomOf(path), typeOnly: kind.trim() === 'type', isLater: kind === 'import(' };
  });
}

const GROUND = ['log', 'service', 'system'];
const STAGES = [
  'backlog',
  'control',
  'drain',
  'link',
  'manifest',
  'outlook',
  'pace',
  'packets',
  'report',
  'spool',
  'steer',
  'store',
  'store/s3',
  'store/zip',
  'thread',
  'transport',
];

/** What each room may know: itself and what lies below it, never what uses it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  system: [],
  log: ['system'],
  service: ['log', 'system'],
  config: ['steer', 'system'],
  steer: ['system'],
  link: ['system'],
  pace: ['system'],
  transport: ['pace', 'system'],
  thread: ['link', 'pace', 'transport', 'system'],
  store: ['system'],
  'store/s3': ['store', 'transport', 'system'],
  'store/zip': ['system'],
  spool: ['system'],
  backlog: ['spool', 'system'],
  drain: ['spool', 'store', 'system'],
  packets: ['backlog', 'drain', 'spool', 'store', 'store/zip', 'system'],
  manifest: ['drain', 'spool', 'store', 'system'],
  view: ['system'],
  control: ['backlog', 'drain', 'packets', 'spool', 'steer', 'view', 'system'],
  http: ['system'],
  ingest: ['backlog', 'http', 'spool', 'system'],
  observe: ['http', 'view', 'system'],
  outlook: ['view'],
  page: ['view'],
  report: [
    'backlog',
    'drain',
    'link',
    'manifest',
    'outlook',
    'pace',
    'packets',
    'spool',
    'steer',
    'view',
    ...GROUND,
  ],
  'stage-options.ts': ['config', ...STAGES, 'system'],
  'host.ts': ['config', ...STAGES, 'ingest', 'stage-options.ts', 'system'],
  'assembly.ts': ['config', ...STAGES, ...GROUND, 'view', 'host.ts', 'stage-options.ts'],
  'daemon.ts': [
    'config',
    ...STAGES,
    ...GROUND,
    'ingest',
    'observe',
    'view',
    'assembly.ts',
    'host.ts',
    'stage-options.ts',
  ],
  commands: [
    'config',
    ...STAGES,
    ...GROUND,
    'view',
    'http',
    'ingest',
    'observe',
    'daemon.ts',
    'host.ts',
    'stage-options.ts',
  ],
  'main.ts': ['commands', 'config', 'system'],
};

/** As MAY_IMPORT, for types, which leave no trace at run time. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  // The order of a spool is one of the settings.
  config: ['spool'],
  // The report of a reload names the keys that changed; the debug log tells of requests.
  report: ['config', 'control', 'ingest', 'observe', 'store/s3'],
  // What a snapshot says of the link, and of what arrives over HTTP.
  view: ['ingest', 'link', 'pace', 'steer'],
  'stage-options.ts': ['ingest'],
  // Where to listen, and the limits, as they are configured.
  ingest: ['config'],
  // Settings as the page shows them.
  observe: ['config'],
  page: ['observe'],
};

test('imports point down the flow, and each room knows only those below it', () => {
  const wrong = [...SOURCES].flatMap(([file, text]) =>
    importsOf(file, text)
      .filter(({ room, typeOnly }) => {
        const own = roomOf(file);
        const types = typeOnly ? (MAY_IMPORT_TYPES[own] ?? []) : [];
        return room !== own && ![...(MAY_IMPORT[own] ?? []), ...types].includes(room);
      })
      .map(({ room }) => `${file} imports ${room}`),
  );
  assert.deepEqual(wrong, []);
});

test('no import leads back to the room that it came from, nor to the file', () => {
  const [rooms, files] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  const note = (doors: Map<string, Set<string>>, from: string, to: string) =>
    doors.set(from, (doors.get(from) ?? new Set()).add(to));
  for (const [file, text] of SOURCES)
    for (const { room, path } of importsOf(file, text)) {
      if (room !== roomOf(file)) note(rooms, roomOf(file), room);
      note(files, file, path);
    }
  const circlesIn = (doors: Map<string, Set<string>>) => {
    const reached = (from: string): Set<string> => {
      const seen = new Set<string>();
      const queue = [from];
      for (let at = queue.pop(); at !== undefined; at = queue.pop())
        for (const next of doors.get(at) ?? [])
          if (!seen.has(next)) {
            seen.add(next);
            queue.push(next);
          }
      return seen;
    };
    return [...doors.keys()].filter((at) => reached(at).has(at));
  };
  assert.ok(
    rooms.size > 15 && files.size > 200,
    `only ${rooms.size} rooms, ${files.size} files were understood`,
  );
  assert.deepEqual(circlesIn(rooms), []);
  assert.deepEqual(circlesIn(files), []);
});

test('the servers are loaded only when observe.listen or ingest.listen is set', () => {
  const reached = new Set<string>();
  const follow = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { path, typeOnly, isLater } of importsOf(file, SOURCES.get(file) ?? ''))
      if (!typeOnly && !isLater) follow(path);
  };
  follow('src/commands/run.ts');
  assert.ok(reached.size > 150 && reached.has('src/observe/observation.ts'), `only ${reached.size} files`);
  assert.deepEqual(
    [...reached].filter((file) =>
      /^src\/(http\/|spool\/deposits|ingest\/(ingest-worker|ingest-door|tokens))/.test(file),
    ),
    [],
  );
  assert.match(read('src/host.ts'), /await import\('\.\/ingest\/ingest-worker\.ts'\)/);
  assert.match(read('src/observe/observation.ts'), /await import\('\.\/observe-door\.ts'\)/);
});

test('every room is known to this test, and to the architecture page', () => {
  const rooms = [...new Set([...SOURCES.keys()].map(roomOf))].sort();
  assert.deepEqual(rooms, Object.keys(MAY_IMPORT).sort());
  const page = tableOf('The folders');
  assert.deepEqual(rooms.filter((room) => !room.endsWith('.ts')).sort(), [...page].sort());
});

test('every word of the architecture page is used in the code', () => {
  const words = tableOf('The words');
  assert.ok(words.length > 15, `only ${words.length} words were understood`);
  const code = [...SOURCES.values()].map(codeOf).join('\n').toLowerCase();
  assert.deepEqual(
    words.filter((word) => !code.includes(word)),
    [],
  );
});

test('every file that the architecture page names exists', () => {
  const named = [...read('src/README.md').matchAll(/`([a-z0-9]+(?:\/[a-z0-9-]+)+)`/g)].map(
    ([, name]) => name ?? '',
  );
  assert.ok(named.length > 20, `only ${named.length} names were understood`);
  const rooms = new Set([...SOURCES.keys()].map(roomOf));
  assert.deepEqual(
    named.filter((name) => !rooms.has(name) && !SOURCES.has(`src/${name}.ts`)),
    [],
  );
});

/** The first column of the table below this heading of src/README.md. */
function tableOf(heading: string): string[] {
  const [, section = ''] = read('src/README.md').split(`## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  const rows = [...table.matchAll(/^\| `?([^`|]+?)`? \|/gm)].map(([, cell]) => cell ?? '');
  return rows.slice(1).filter((cell) => !cell.startsWith('-'));
}

const READS_TIME =
  /\bDate\.now\b|new Date\(\)|\bperformance\b|\bhrtime\b|\bset(Timeout|Interval)\b|AbortSignal\.timeout|node:timers/;
const TIME_EXCEPTIONS: Readonly<Record<string, string>> = {
  'src/system/clock.ts': 'the clock port itself',
  'src/system/busy-share.ts': 'asks how busy the threads are, under no simulation',
  'src/commands/examine-spool.ts': 'part of check',
  'src/page/browser.ts': 'runs in a browser',
  'src/commands/examine-store.ts': 'runs once, in the foreground, under no simulation',
  'src/store/s3/multipart.ts': 'bounds the request that gives up an upload whose own signal is over',
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
  'src/commands/run-as-service.ts',
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
  assert.equal(starting.length, OF_THE_SHELL.length + 5);
});

test('process.env and process.exit stand in main.ts alone', () => {
  assertOnlyIn(/\bprocess\.(env|exit|exitCode|abort|kill)\b/, ['src/main.ts']);
});

test('of node:http only types are imported: the rest brings a WebSocket client into each thread', () => {
  assertOnlyIn(/\bimport (?!type )[^;]*'node:http';/, [], 'see system/node-http.ts');
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

test('only the spool uses what spool/open-directory.ts can remove; the manifest, the tokens and the Unix socket of the door do for files of their own', () => {
  const callers = [...SOURCES.keys()].filter((file) => file.startsWith('src/spool/'));
  const ofManifest = 'src/manifest/ended-files.ts';
  const ofIngest = ['src/ingest/change-tokens.ts', 'src/ingest/unix-socket.ts'];
  const calls = callers.filter((file) =>
    /\.(unlink|unlinkNow|removeIfEmpty)\(/.test(codeOf(SOURCES.get(file) ?? '')),
  );
  assert.ok(calls.length > 5, calls.join());
  assertOnlyIn(/\.(unlink|unlinkNow|removeIfEmpty)\(/, [...calls, ofManifest, ...ofIngest]);
  assert.ok(calls.every((file) => file.startsWith('src/spool/')));
});

test('a file is moved, which may replace another, in these places alone', () => {
  assertOnlyIn(usesOf(OVERWRITES), [
    // To a name later than all others.
    'src/manifest/ended-files.ts',
    // Over its own older version.
    'src/ingest/change-tokens.ts',
    // Out of the spool, onto a place that is known to be free.
    'src/spool/aside.ts',
    'src/spool/quarantine.ts',
    // Into the spool, over its own claim.
    'src/spool/put-back.ts',
    // Into the spool, over a file that its producer asks to replace, and over a claim of ours.
    'src/spool/deposit-place.ts',
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

test('every exported class has its doc on the class, where an editor shows it', () => {
  const classes = [...SOURCES].flatMap(([file, text]) =>
    [...text.matchAll(/^(.*)\nexport (?:abstract )?class (\w+)/gm)].map(([, before = '', name]) => ({
      name: `${file} ${name}`,
      hasDoc: before.endsWith('*/'),
    })),
  );
  assert.ok(classes.length > 80, `only ${classes.length} classes were understood`);
  assert.deepEqual(
    classes.filter(({ hasDoc }) => !hasDoc).map(({ name }) => name),
    [],
  );
});

/** Words for people, old words, and first words of a comment that make it a fragment. */
const HARD_WORDS =
  /\b(who|whom|whoever|somebody|someone|nobody|anybody|everybody|merely|lest|likewise|hears? of|goes by|all the same)\b/i;
const FRAGMENT = /^(Of|For|As|Likewise|Told|None|Nothing that)\b/;

test('comments of the sources name things by their nouns, in whole sentences', () => {
  const hard = [...SOURCES].flatMap(([file, text]) =>
    commentLinesOf(text)
      .filter(({ words, isFirst }) => HARD_WORDS.test(words) || (isFirst && FRAGMENT.test(words)))
      .map(({ line, words }) => `${file}:${line} ${words}`),
  );
  assert.deepEqual(commentLinesOf('/** As told. */\nconst one = 1;\n// Of two\n// lines\n'), [
    { line: 1, words: 'As told.', isFirst: true },
    { line: 3, words: 'Of two', isFirst: true },
    { line: 4, words: 'lines', isFirst: false },
  ]);
  assert.deepEqual(hard, []);
});

interface CommentLine {
  readonly line: number;
  readonly words: string;
  /** True for the line that begins a comment. */
  readonly isFirst: boolean;
}

function commentLinesOf(text: string): CommentLine[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.flatMap((line, at) => {
    const words = /^(?:\/\/|\/\*\*|\*(?!\/))\s*(.*?)\s*(?:\*\/)?$/.exec(line)?.[1] ?? '';
    const before = lines[at - 1] ?? '';
    const isFirst = line.startsWith('/**') || before === '/**' || !/^(\/\/|\*)/.test(before);
    return words === '' ? [] : [{ line: at + 1, words, isFirst }];
  });
}

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

test(`no comment is wider than ${COMMENT_COLUMNS_MAX} columns`, () => {
  const isComment = (line: string) => /^\s*(\/\/|\*|\/\*)/.test(line);
  const wide = [...SOURCES].flatMap(([file, text]) =>
    text
      .split('\n')
      .flatMap((line, at) =>
        isComment(line) && line.length > COMMENT_COLUMNS_MAX ? [`${file}:${at + 1}`] : [],
      ),
  );
  assert.ok(isComment('  // a comment') && isComment('   * one') && isComment('/** one */'));
  assert.deepEqual(wide, []);
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

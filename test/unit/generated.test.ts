import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../../src/config/load.ts';
import { renderConfigFile, renderTable } from '../../src/config/manual.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { renderBashCompletion } from '../../systemd/bash-completion.ts';
import { between, renderCommandManual } from '../../systemd/man/command-manual.ts';
import { renderMeasured, renderOtherTables } from '../bench/published.ts';
import { renderMetricTable } from '../support/metric-manual.ts';

const HINT = 'run: npm run generate';
const configFile = fileURLToPath(new URL('../../config/halfpipe.yaml', import.meta.url));
const pageAt = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('config/halfpipe.yaml is what the schema says', () => {
  assert.equal(readFileSync(configFile, 'utf8'), renderConfigFile(), HINT);
});

for (const { page, marker, what, content } of [
  {
    page: 'config/README.md',
    marker: 'config',
    what: 'the table of settings is what the schema says',
    content: renderTable,
  },
  {
    page: 'config/OPERATING.md',
    marker: 'metrics',
    what: 'the table of metrics is what the daemon renders',
    content: renderMetricTable,
  },
  {
    page: 'test/bench/README.md',
    marker: 'bench',
    what: 'the measurements are what the results say',
    content: renderMeasured,
  },
]) {
  test(what, () => {
    const section = new RegExp(`<!-- ${marker}:begin -->\n(.*?)<!-- ${marker}:end -->`, 's');
    assert.equal(section.exec(pageAt(page))?.[1], content(), HINT);
  });
}

test('the completion of bash is what the command table says', () => {
  assert.equal(pageAt('systemd/halfpipe.bash-completion'), renderBashCompletion(), HINT);
});

test('halfpipe.8 is what the command table says', () => {
  const page = pageAt('systemd/man/halfpipe.8');
  for (const [marker, part] of Object.entries(renderCommandManual()))
    assert.equal(between(marker).exec(page)?.[2], part, HINT);
});

/** What people see, from the first column of the table below this heading. */
function quotesIn(page: string, heading: string): string[] {
  const [, section = ''] = pageAt(page).split(`## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  return [...table.matchAll(/^\| `(.*?)` \|/gm)].map(([, quote = '']) => quote);
}

const QUOTES = quotesIn('config/OPERATING.md', 'Troubleshooting');

test('the README has at most 1,800 words, and the figures of the measurements', () => {
  const readme = pageAt('README.md');
  assert.ok(readme.split(/\s+/).length <= 1_800, `${readme.split(/\s+/).length} words`);
  const [, section = ''] = readme.split('## Measured\n');
  const figures = (section.split('\n## ')[0] ?? '').matchAll(
    /^\| (?!%|-)[^|]+\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm,
  );
  const measured = pageAt('test/bench/README.md');
  const cells = [...figures].flatMap(([, ...row]) => row.flatMap((cell) => cell.match(/\d+(\.\d+)?/g) ?? []));
  assert.ok(cells.length > 15, cells.join());
  assert.deepEqual(
    cells.filter((figure) => !new RegExp(`\\| ${figure.replace('.', '\\.')}[ |]`).test(measured)),
    [],
  );
});

test('what the README quotes is in the full list, too', () => {
  const quotes = quotesIn('README.md', 'When something is wrong');
  assert.ok(quotes.length > 5, quotes.join());
  assert.deepEqual(
    quotes.filter((quote) => !QUOTES.includes(quote)),
    [],
  );
});

test('the troubleshooting quotes what is printed', () => {
  const quotes = QUOTES;
  assert.ok(quotes.length > 10, quotes.join());
  const source = sources().replaceAll(/\$\{.*?\}/g, '…');
  for (const quote of quotes) {
    // What stands for a name, a number or a reason is `…`, `X`, an interface or a time there.
    const pieces = quote.split(/…|\bX\b|\beth0\b|\d+ (?:s|min)\b/).map((piece) => piece.trim());
    for (const piece of pieces) assert.ok(source.includes(piece), `nothing prints "${piece}" of "${quote}"`);
  }
});

test('each line that the troubleshooting quotes has a test in ACCEPTANCE.md', () => {
  const acceptance = readFileSync(new URL('../ACCEPTANCE.md', import.meta.url), 'utf8');
  const untested = QUOTES.filter((quote) => !acceptance.includes(`\n| \`${quote}\` | `));
  assert.deepEqual(untested, []);
});

function sources(): string {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.map((name) => readFileSync(join(root, name), 'utf8')).join('\n');
}

test('the tables of the other capacities are what the results say', () => {
  for (const [file, table] of renderOtherTables()) assert.equal(readFileSync(file, 'utf8'), table, HINT);
});

test('config/halfpipe.yaml with a bucket is the same as the defaults', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'halfpipe-generated-'));
  try {
    const minimal = join(directory, 'minimal.yaml');
    writeFileSync(minimal, 's3:\n  bucket: my-bucket\n');
    const shipped = await loadSettings(configFile, { HALFPIPE_S3_BUCKET: 'my-bucket' });
    assert.deepEqual(shipped, await loadSettings(minimal, {}));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('config/halfpipe.yaml shows every option once, and marks the required one and those that need a restart', () => {
  const text = renderConfigFile();
  for (const { key, env } of optionByKey.values()) {
    assert.equal(text.split(`${env}]`).length, 2, key);
  }
  assert.match(text, /\[REQUIRED, HALFPIPE_S3_BUCKET\]\n {2}bucket:\n/);
  assert.match(text, /\[restart, HALFPIPE_SPOOL_PATH\]/);
});

test("the table's cells cannot break its rows", () => {
  const rows = renderTable().trimEnd().split('\n');
  assert.equal(rows.length, optionByKey.size + 2);
  for (const row of rows) assert.equal(row.replaceAll('\\|', '').split('|').length, 7, row);
});

test('the capacity is explained as the rate of the uplink, not of the card', () => {
  assert.match(optionByKey.get('link.capacity')?.doc ?? '', /uplink is often slower than the card/);
});

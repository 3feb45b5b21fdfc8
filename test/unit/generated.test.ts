import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderConfigFile, renderTable } from '../../src/config/document.ts';
import { loadSettings } from '../../src/config/load.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { renderMeasured, renderOtherTables } from '../bench/published.ts';

const HINT = 'run: npm run generate';
const configFile = fileURLToPath(new URL('../../config/halfpipe.yaml', import.meta.url));
const readme = fileURLToPath(new URL('../../README.md', import.meta.url));

test('config/halfpipe.yaml is what the schema says', () => {
  assert.equal(readFileSync(configFile, 'utf8'), renderConfigFile(), HINT);
});

for (const { marker, what, content } of [
  { marker: 'config', what: 'table of options is what the schema says', content: renderTable },
  { marker: 'bench', what: 'measurements are what the results say', content: renderMeasured },
]) {
  test(`the README's ${what}`, () => {
    const section = new RegExp(`<!-- ${marker}:begin -->\n(.*?)<!-- ${marker}:end -->`, 's');
    assert.equal(section.exec(readFileSync(readme, 'utf8'))?.[1], content(), HINT);
  });
}

test("the README's troubleshooting quotes what is printed", () => {
  const [, table = ''] = /## Troubleshooting\n(.*?)\n\n[^|\n]/s.exec(readFileSync(readme, 'utf8')) ?? [];
  const quotes = [...table.matchAll(/^\| `(.*?)` \|/gm)].map(([, quote = '']) => quote);
  assert.ok(quotes.length > 10, table);
  const source = sources().replaceAll(/\$\{.*?\}/g, '…');
  for (const quote of quotes) {
    // What stands for a name, a number or a reason is `…`, `X`, an interface or a time there.
    const pieces = quote.split(/…|\bX\b|\beth0\b|\d+ (?:s|min)\b/).map((piece) => piece.trim());
    for (const piece of pieces) assert.ok(source.includes(piece), `nothing prints "${piece}" of "${quote}"`);
  }
});

test('each line that the troubleshooting quotes has a test in ACCEPTANCE.md', () => {
  const [, table = ''] = /## Troubleshooting\n(.*?)\n\n[^|\n]/s.exec(readFileSync(readme, 'utf8')) ?? [];
  const quotes = [...table.matchAll(/^\| `(.*?)` \|/gm)].map(([, quote = '']) => quote);
  const acceptance = readFileSync(new URL('../ACCEPTANCE.md', import.meta.url), 'utf8');
  const untested = quotes.filter((quote) => !acceptance.includes(`\n| \`${quote}\` | `));
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

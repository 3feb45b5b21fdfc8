// The config file and its drop-ins have the same effect as one file that holds what is left of them.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load.ts';

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const base = mkdtempSync(join(tmpdir(), 'halfpipe-merge-'));
after(() => rmSync(base, { recursive: true }));
let folders = 0;

/** Writes each of `files` into a config of its own: the first is the config file. */
async function load(files: readonly Sections[]) {
  folders += 1;
  const folder = join(base, String(folders));
  mkdirSync(join(folder, 'conf.d'), { recursive: true });
  files.forEach((content, index) => {
    const name = index === 0 ? 'halfpipe.yaml' : `conf.d/${String(index).padStart(2, '0')}.yaml`;
    writeFileSync(join(folder, name), JSON.stringify(content));
  });
  const { settings, options } = await loadConfig(join(folder, 'halfpipe.yaml'), {});
  const places = options.map(
    ({ option, place }) => [option.key, place?.replaceAll(`${folder}/`, '')] as const,
  );
  return { settings, places: new Map(places) };
}

const optional = { requiredKeys: [] };
const word = fc.constantFrom('a', 'b', 'c');
const tags = fc.dictionary(word, word);
const rate = fc.constantFrom('10 Mbit/s', '20 Mbit/s');
const rates = fc.dictionary(fc.constantFrom('eth0', 'wwan0'), rate, { minKeys: 1 });
const anyFile = fc.record(
  {
    spool: fc.record({ settle: fc.constantFrom('1 s', '2 s', null), ignore: fc.array(word) }, optional),
    link: fc.record({ capacity: fc.oneof(rate, rates, fc.constant(null)) }, optional),
    s3: fc.record({ prefix: word, region: fc.constantFrom('x', '', null), tags, metadata: tags }, optional),
  },
  optional,
);
const BUCKET: Sections = { s3: { bucket: 'inbox' } };
const anyFiles = fc
  .array(anyFile, { maxLength: 4 })
  .map((dropIns): readonly Sections[] => [BUCKET, ...dropIns]);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The rule as the manual puts it: a later value wins, a map is added to, no value is the default. */
function asOne(files: readonly Sections[]): Sections {
  const all: Record<string, Record<string, unknown>> = {};
  for (const file of files)
    for (const [section, keys] of Object.entries(file))
      for (const [key, value] of Object.entries(keys)) {
        const before = all[section]?.[key];
        const merged = isMap(before) && isMap(value) ? { ...before, ...value } : value;
        all[section] = { ...all[section], [key]: merged };
      }
  return all;
}

test('several files have the effect of one that holds the last value of each key', async () => {
  await fc.assert(
    fc.asyncProperty(anyFiles, async (files) => {
      assert.deepEqual((await load(files)).settings, (await load([asOne(files)])).settings);
    }),
    { numRuns: 150 },
  );
});

test('a file that sets nothing changes nothing, wherever it stands', async () => {
  await fc.assert(
    fc.asyncProperty(anyFiles, fc.nat(3), async (files, place) => {
      const more = [...files];
      more.splice(1 + (place % files.length), 0, {});
      assert.deepEqual((await load(more)).settings, (await load(files)).settings);
    }),
    { numRuns: 50 },
  );
});

test('the origin of a key is the last file that has it, and for a map all that added to it', async () => {
  await fc.assert(
    fc.asyncProperty(anyFiles, async (files) => {
      const { places } = await load(files);
      const having = (section: string, key: string) =>
        files.flatMap((file, index) => (file[section]?.[key] === undefined ? [] : [index]));
      const nameOf = (index: number) => (index === 0 ? 'halfpipe.yaml:1' : `conf.d/0${index}.yaml:1`);
      assert.equal(places.get('s3.tags'), having('s3', 'tags').map(nameOf).join(' and ') || undefined);
      assert.equal(places.get('s3.prefix'), having('s3', 'prefix').map(nameOf).at(-1));
    }),
    { numRuns: 50 },
  );
});

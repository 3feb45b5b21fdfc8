// The config: a file, then the drop-ins beside it in the order of their names, merged. So the
// package, provisioning and the operator each have a file of their own.
import { readdir } from 'node:fs/promises';
import { dirname, join, parse, relative } from 'node:path';
import { errnoOf } from '../system/fault.ts';
import { type ConfigFile, readConfigFile, type TypedValue } from './config-file.ts';
import { unreadable } from './config-text.ts';

type Values = ReadonlyMap<string, TypedValue>;

export interface MergedConfig extends ConfigFile {
  /** All files that were read, in their order: the config file first. */
  readonly files: readonly string[];
}

const NAME_IT = 'name the config file with --config FILE';
const MEND_IT = 'every *.yaml in this folder is read, so mend it or remove it';

/**
 * The drop-ins of `halfpipe.yaml` are `conf.d/*.yaml`, those of another `NAME.yaml` are
 * `NAME.conf.d/*.yaml`: as for `aws-credentials` and `NAME.aws-credentials`.
 */
export function dropInFolderOf(configFile: string): string {
  const { dir, name } = parse(configFile);
  return join(dir, name === 'halfpipe' ? 'conf.d' : `${name}.conf.d`);
}

/**
 * A later file has the last word on a key, but adds to a map. A key without a value is as if no
 * earlier file had set it. Rejects with ConfigError at the first file that cannot be read or is not
 * YAML.
 */
export async function readConfig(configFile: string): Promise<MergedConfig> {
  const read = [await readConfigFile(configFile, NAME_IT)];
  const dropIns = await dropInsOf(configFile);
  for (const file of dropIns) read.push(await readConfigFile(file, MEND_IT));
  const merged = read.map(({ values }) => values).reduce(mergeValues);
  return {
    files: [configFile, ...dropIns],
    values: new Map([...merged].filter(([, { value }]) => value !== null)),
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** The files on one line: the first in full, the others as seen from its folder. */
export function filesText([configFile = '', ...dropIns]: readonly string[]): string {
  return [configFile, ...dropIns.map((file) => relative(dirname(configFile), file))].join(', ');
}

/** Hidden files and what editors and dpkg leave (`x.yaml~`, `x.yaml.dpkg-new`) are not read. */
async function dropInsOf(configFile: string): Promise<readonly string[]> {
  const folder = dropInFolderOf(configFile);
  try {
    const names = (await readdir(folder)).filter((name) => /^[^.].*\.yaml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unreadable(folder, error, MEND_IT);
  }
}

function mergeValues(earlier: Values, later: Values): Values {
  const merged = new Map(earlier);
  for (const [key, typed] of later) merged.set(key, mergeValue(earlier.get(key), typed));
  return merged;
}

function mergeValue(earlier: TypedValue | undefined, later: TypedValue): TypedValue {
  if (!(earlier?.value instanceof Map && later.value instanceof Map)) return later;
  return {
    value: mergeMaps(earlier.value, later.value),
    place: `${earlier.place} and ${later.place}`,
  };
}

function mergeMaps(earlier: ReadonlyMap<unknown, unknown>, later: ReadonlyMap<unknown, unknown>) {
  const merged = new Map(earlier);
  for (const [name, value] of later) {
    const before = earlier.get(name);
    const both = before instanceof Map && value instanceof Map;
    merged.set(name, both ? mergeMaps(before, value) : value);
  }
  return merged;
}

// The config file as it was typed: each option's value and the line it stands on. Knows which keys exist,
// not what their values may be. What YAML would quietly put up with (tags, several documents) is refused.
import { readFile } from 'node:fs/promises';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { errnoOf } from '../system/fault.ts';
import { ConfigError } from './config-error.ts';
import { optionByKey, schema } from './schema.ts';
import { explainUnknownKey } from './unknown-key.ts';

export interface TypedValue {
  /** Maps are Map objects. */
  readonly value: unknown;
  /** `FILE:LINE`. */
  readonly place: string;
}

export interface ConfigFile {
  /** By the option's key. Keys without a value (null) are absent. */
  readonly values: ReadonlyMap<string, TypedValue>;
  /** Keys that cannot be, one line each. */
  readonly problems: readonly string[];
}

/** Rejects with ConfigError when the file cannot be read or is no YAML. JSON is YAML. */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  const lines = new LineCounter();
  const text = await readText(file);
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  const [first, ...others] = [
    ...[...document.errors, ...document.warnings].map(({ pos, message }) => ({ offset: pos[0], message })),
    ...strayAliases(document),
  ].map(({ offset, message }) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}: ${message.replace(/\s+/g, ' ')}`;
  });
  if (first !== undefined) throw new ConfigError([first, ...others]);

  const values = new Map<string, TypedValue>();
  const problems: string[] = [];
  const placeOf = ({ key }: Pair) => {
    const offset = isNode(key) ? key.range?.[0] : undefined;
    return offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  };
  const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
  const refuse = (pair: Pair, key: string, reason: string) =>
    problems.push(`${placeOf(pair)}: ${printableKey(key)} ${reason}`);

  const readOption = (pair: Pair, key: string) => {
    const value = isNode(pair.value) ? pair.value.toJS(document, { mapAsMap: true }) : null;
    if (!optionByKey.has(key)) refuse(pair, key, explainUnknownKey(key, optionByKey.keys()));
    else if (value !== null) values.set(key, { value, place: placeOf(pair) });
  };
  const readSection = (pair: Pair, section: string) => {
    const content = resolve(pair.value);
    if (!Object.hasOwn(schema, section)) {
      refuse(
        pair,
        section,
        explainUnknownKey(section, isMap(content) ? Object.keys(schema) : optionByKey.keys()),
      );
    } else if (isMap(content)) {
      for (const inner of pairsOf(content)) readOption(inner, `${section}.${nameOf(inner)}`);
    } else if (!isEmpty(content)) {
      refuse(
        pair,
        section,
        `must hold its keys on lines of their own, indented, such as ${firstKeyOf(section)}`,
      );
    }
  };

  const root = resolve(document.contents);
  if (isMap(root)) for (const pair of pairsOf(root)) readSection(pair, nameOf(pair));
  else if (!isEmpty(root))
    problems.push(`${file}:1: must hold sections such as "s3:", with keys indented below them`);
  return { values, problems };
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const code = errnoOf(error);
    const reasons: Record<string, string> = {
      ENOENT: 'no such file: name the config file with --config FILE',
      EISDIR: 'is a directory: name the config file in it with --config FILE',
      EACCES: 'may not be read by this user: give it read permission (chmod, chown)',
      ERR_ENCODING_INVALID_ENCODED_DATA: 'is no UTF-8 text: save it as UTF-8',
    };
    const reason =
      (code === undefined ? undefined : reasons[code]) ?? `cannot be read (${code ?? String(error)})`;
    throw new ConfigError([`${file}: ${reason}`], error);
  }
}

/** `*.tmp` without quotes is YAML for "the value named .tmp". */
function strayAliases(document: ReturnType<typeof parseDocument>): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `a value that begins with * needs quotes: type '*${alias.source}'`;
      found.push({ offset: alias.range?.[0] ?? 0, message });
    },
  });
  return found;
}

function pairsOf(map: YAMLMap): readonly Pair[] {
  return map.items;
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function firstKeyOf(section: string): string | undefined {
  return [...optionByKey.keys()].find((key) => key.startsWith(`${section}.`));
}

/** On one line, and harmless there. */
function printableKey(key: string): string {
  return /^[\w.-]{1,80}$/.test(key) ? key : JSON.stringify(key.slice(0, 80));
}

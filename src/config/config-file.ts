// Reads one config file: the value of each option, and the line where it stands. It knows which
// keys exist, but not which values they accept.
import { isMap, isNode, isScalar, type Pair } from 'yaml';
import { readConfigText } from './config-text.ts';
import { optionByKey, schema } from './schema.ts';
import { explainUnknownKey } from './unknown-key.ts';
import { parseYaml } from './yaml-text.ts';

export interface TypedValue {
  /** A map is a Map object. Null: the key has no value, so it stands at its default. */
  readonly value: unknown;
  /** `FILE:LINE`. */
  readonly place: string;
}

export interface ConfigFile {
  /** Keyed by option. */
  readonly values: ReadonlyMap<string, TypedValue>;
  /** Keys that are not accepted, one line each. */
  readonly problems: readonly string[];
}

/**
 * Rejects with ConfigError when the file cannot be read or is not YAML. JSON is YAML. `remedy` says
 * what to do when there is no file.
 */
export async function readConfigFile(file: string, remedy: string): Promise<ConfigFile> {
  const { document, lineAt } = parseYaml(file, await readConfigText(file, remedy));
  const values = new Map<string, TypedValue>();
  const problems: string[] = [];
  const placeOf = ({ key }: Pair) => {
    const offset = isNode(key) ? key.range?.[0] : undefined;
    return offset === undefined ? file : `${file}:${lineAt(offset)}`;
  };
  const refuse = (pair: Pair, key: string, reason: string) =>
    problems.push(`${placeOf(pair)}: ${printableKey(key)} ${reason}`);
  const readOption = (pair: Pair, key: string) => {
    const option = optionByKey.get(key);
    const value = isNode(pair.value) ? pair.value.toJS(document, { mapAsMap: true }) : null;
    const isSet = value !== null && !(value === '' && option?.nullable === true);
    if (option === undefined) refuse(pair, key, explainUnknownKey(key, optionByKey.keys()));
    else values.set(key, { value: isSet ? value : null, place: placeOf(pair) });
  };

  const root = document.contents;
  if (!isMap(root) && !isEmpty(root)) {
    problems.push(`${file}:1: must hold sections such as "s3:", with keys indented below them`);
  }
  for (const pair of pairsOf(root)) {
    const section = nameOf(pair);
    const slip = findSectionSlip(section, pair.value);
    if (slip !== undefined) refuse(pair, section, slip);
    else for (const inner of pairsOf(pair.value)) readOption(inner, `${section}.${nameOf(inner)}`);
  }
  return { values, problems };
}

function findSectionSlip(section: string, content: unknown): string | undefined {
  const [outer, inner] = section.split('.');
  if (optionByKey.has(section))
    return `must be nested: type ${outer}: and, indented on the next line, ${inner}:`;
  const options = Object.entries(schema).find(([name]) => name === section)?.[1];
  if (options === undefined) {
    return explainUnknownKey(section, isMap(content) ? Object.keys(schema) : optionByKey.keys());
  }
  if (isMap(content) || isEmpty(content)) return undefined;
  return `must have no value of its own: put keys such as ${Object.keys(options)[0]} below it, indented`;
}

function pairsOf(node: unknown): readonly Pair[] {
  return isMap(node) ? node.items : [];
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** The key on one line, safe to print. */
function printableKey(key: string): string {
  return /^[\w.-]{1,80}$/.test(key) ? key : JSON.stringify(key.slice(0, 80));
}

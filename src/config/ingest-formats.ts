// The formats of `ingest.*` that are maps: `{name: value}` in the file, `name=value,name=value` in
// the environment.
import { duration, type Format, filePath, size, wholeNumber } from './formats.ts';

/** Files in PEM, by their absolute paths. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** At least one of them is set. */
export interface BacklogLimit {
  readonly files?: number;
  readonly bytes?: number;
  /** The age of the oldest file. */
  readonly ageMs?: number;
}

const EXAMPLE_TLS = '{certificate: /etc/halfpipe/ingest.pem, key: /etc/halfpipe/ingest.key}';
const EXAMPLE_LIMIT = '{files: 100000, bytes: 50 GiB, age: 12 h}';

const certificate = filePath('/etc/halfpipe/ingest.pem');
const key = filePath('/etc/halfpipe/ingest.key');
const files = wholeNumber(1, 1_000_000_000);
const bytes = size('1 KiB', '1024 TiB');
const age = duration('1 s', '3650 d');

export const tlsFiles: Format<TlsFiles> = (value) => {
  const given = entriesOf(value, ['certificate', 'key'], EXAMPLE_TLS);
  if (!given.has('certificate') || !given.has('key'))
    throw new RangeError(`must name both, such as ${EXAMPLE_TLS}`);
  return {
    certificate: within('certificate', certificate, given.get('certificate')),
    key: within('key', key, given.get('key')),
  };
};

export const backlogLimit: Format<BacklogLimit> = (value) => {
  const given = entriesOf(value, ['files', 'bytes', 'age'], EXAMPLE_LIMIT);
  if (given.size === 0) throw new RangeError(`must have files, bytes or age, such as ${EXAMPLE_LIMIT}`);
  return {
    ...(given.has('files') && { files: within('files', files, given.get('files')) }),
    ...(given.has('bytes') && { bytes: within('bytes', bytes, given.get('bytes')) }),
    ...(given.has('age') && { ageMs: within('age', age, given.get('age')) }),
  };
};

function entriesOf(value: unknown, names: readonly string[], example: string): ReadonlyMap<unknown, unknown> {
  const entries = value instanceof Map ? value : pairsOf(value);
  const unknown =
    entries === undefined ? undefined : [...entries.keys()].find((name) => !isOneOf(names, name));
  if (entries === undefined || unknown !== undefined)
    throw new RangeError(`must be a map of ${names.join(', ')}, such as ${example}`);
  return entries;
}

function isOneOf(names: readonly string[], name: unknown): boolean {
  return typeof name === 'string' && names.includes(name);
}

/** Undefined if the text is not of this form. */
function pairsOf(value: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof value !== 'string') return undefined;
  const pairs = value.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  if (pairs.some((pair) => pair.length !== 2)) return undefined;
  return new Map(pairs.map(([name = '', text = '']) => [name, text]));
}

/** Adds to an error the entry that it is about. */
function within<T>(name: string, accepts: Format<T>, value: unknown): T {
  try {
    return accepts(value);
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`value of ${name} ${error.message}`) : error;
  }
}

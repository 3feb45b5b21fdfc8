// What a value may look like. A format takes the value from the file or the environment and returns
// what the code uses, or throws a RangeError whose message says what to write instead. It does not
// know the key or the file.
import { posix } from 'node:path';
import { isOfTheSystem } from './spool-place.ts';
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parsePercent,
  parseRate,
  parseSize,
} from './units.ts';

/**
 * Throws RangeError. Values from the environment are always text; values from the file have the
 * type that YAML gives them.
 */
export type Format<T> = (value: unknown) => T;

export function duration(min: string, max: string): Format<number> {
  return within(parseDuration, formatDuration, min, max);
}

export function size(min: string, max: string): Format<number> {
  return within(parseSize, formatSize, min, max);
}

export function rate(min: string, max: string): Format<number> {
  return within(parseRate, formatRate, min, max);
}

/**
 * One rate, or a rate for each network interface: a map in the file, `name=rate,name=rate` in the
 * environment.
 */
export function rateOrRates(min: string, max: string): Format<number | Readonly<Record<string, number>>> {
  const one = rate(min, max);
  return (value) => {
    const isLine = typeof value === 'string' && value.includes('=');
    if (!isLine && !(value instanceof Map)) return one(value);
    const pairs = isLine ? value.split(',').map((pair) => pair.split('=')) : [...value];
    if (pairs.length === 0) throw new RangeError(`must name an interface, such as { eth0: 100 Mbit/s }`);
    return Object.fromEntries(
      pairs.map(([name, text]) => [interfaceName(trimmed(name)), of(name, one, text)]),
    );
  };
}

/** Adds to an error the entry of the map in which the value stands. */
function of<T>(name: unknown, accepts: Format<T>, value: unknown): T {
  try {
    return accepts(value);
  } catch (error) {
    throw error instanceof RangeError
      ? new RangeError(`value of ${String(name).trim()} ${error.message}`)
      : error;
  }
}

function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value;
}

/** 0 < share ≤ 1. */
export const share: Format<number> = (value) => {
  const parsed = parsePercent(unitText(value));
  if (parsed > 0 && parsed <= 1) return parsed;
  throw new RangeError('must be above 0 % and at most 100 %, such as 50 %');
};

/** A share of the capacity, or a rate. */
export function shareOrRate(min: string, max: string): Format<{ share: number } | { bitsPerSec: number }> {
  const ownRate = rate(min, max);
  return (value) => {
    if (/%\s*$/.test(unitText(value))) return { share: share(value) };
    if (!/[a-z]/i.test(unitText(value))) {
      throw new RangeError('must be a share of the capacity such as 1 %, or a rate such as 500 kbit/s');
    }
    return { bitsPerSec: ownRate(value) };
  };
}

export function wholeNumber(min: number, max: number): Format<number> {
  return (value) => {
    const parsed = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof parsed === 'number' && Number.isInteger(parsed) && parsed >= min && parsed <= max)
      return parsed;
    throw new RangeError(`must be a whole number from ${min} to ${max}`);
  };
}

export const flag: Format<boolean> = (value) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new RangeError('must be true or false');
};

export function oneOf<const T extends string>(...words: readonly T[]): Format<T> {
  return (value) => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw new RangeError(`must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
  };
}

/** The word `auto`, or what `other` accepts. */
export function autoOr<T>(other: Format<T>): Format<T | 'auto'> {
  return (value) => {
    if (value === 'auto') return 'auto';
    try {
      return other(value);
    } catch (error) {
      throw error instanceof RangeError ? new RangeError(`${error.message}, or auto`) : error;
    }
  };
}

/** Text that matches `pattern` completely. `accepted` completes "must be". */
export function text(pattern: RegExp, accepted: string): Format<string> {
  return (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    const quote = typeof value === 'number' || typeof value === 'boolean' ? ', in quotes' : '';
    throw new RangeError(`must be ${accepted}${quote}`);
  };
}

/**
 * The path of a directory, without a trailing `/`. Folders of the system are refused, because a
 * spool is emptied.
 */
export const spoolPath: Format<string> = (value) => {
  const isAbsolute = typeof value === 'string' && !value.includes('\0') && posix.isAbsolute(value);
  const path = isAbsolute ? posix.resolve(value) : undefined;
  if (path !== undefined && !isOfTheSystem(path)) return path;
  throw new RangeError(
    'must be the absolute path of a separate folder, such as /var/spool/halfpipe; folders of the system are refused',
  );
};

/** The path of a file. */
export function filePath(example: string): Format<string> {
  return (value) => {
    const isFile = typeof value === 'string' && posix.isAbsolute(value) && !/\0|(^|\/)\.{0,2}$/.test(value);
    if (isFile) return posix.resolve(value);
    throw new RangeError(`must be the absolute path of a file, such as ${example}`);
  };
}

/** IFNAMSIZ in netdevice(7) allows 15 bytes. The kernel refuses `/`, `:` and white space. */
export const interfaceName = text(
  /^(?!\.{1,2}$)[^\s/:\p{C}]{1,15}$/u,
  'the name of a network interface, such as eth0',
);

/** A list in the file, a comma-separated line in the environment. */
export const patterns: Format<readonly string[]> = (value) => {
  const isLine = typeof value === 'string';
  const list = isLine ? value.split(',').map((pattern) => pattern.trim()) : value;
  const accepted = (pattern: unknown) => typeof pattern === 'string' && /^[^/\0][^\0]*$/.test(pattern);
  // A YAML list pasted into the variable would split into patterns that match nothing, and
  // half-written files would be uploaded.
  const isTypedAsList = isLine && /^\s*\[|['"{]/.test(value);
  if (Array.isArray(list) && list.every(accepted) && !isTypedAsList) return list;
  throw new RangeError(
    isLine
      ? 'must be patterns with commas between them, none beginning with /, no quotes, no braces, no [ in front: type .*,*~,*.tmp'
      : `must be a list of patterns that do not begin with /, such as ['.*', '*.tmp']`,
  );
};

function within(
  parse: (text: string) => number,
  format: (value: number) => string,
  min: string,
  max: string,
): Format<number> {
  const lowest = parse(min);
  const highest = parse(max);
  return (value) => {
    const parsed = parse(unitText(value));
    if (parsed >= lowest && parsed <= highest) return parsed;
    throw new RangeError(`must be from ${format(lowest)} to ${format(highest)}`);
  };
}

/** YAML turns a bare `0` into a number. The parsers decide which bare numbers they accept. */
function unitText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

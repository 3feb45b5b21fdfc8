// The content of the tokens file: JSON that people can read. Every deviation is an error, because a
// field that is not understood could have been meant to restrict a token.
import { nearest } from '../system/nearest.ts';
import { tokenName, tokenPrefix } from './token-rules.ts';

export interface StoredToken {
  readonly name: string;
  readonly sha256: Buffer;
  /** The folder below which the token may write, with `/` at its end; empty for the whole spool. */
  readonly prefix: string;
  readonly createdMs: number;
  /** Undefined if the token does not expire. */
  readonly expiresAtMs: number | undefined;
}

const VERSION = 1;
const ABOUT =
  'Who may bring files to ingest.listen. Change it with halfpipe token add and halfpipe token revoke. It holds no token, only the SHA-256 of each.';
/** Each request is compared with every token, and so takes the same time. */
export const TOKENS_MAX = 1_000;

export function formatTokens(tokens: readonly StoredToken[]): string {
  const listed = tokens.map(({ name, sha256, prefix, createdMs, expiresAtMs }) => ({
    name,
    sha256: sha256.toString('hex'),
    ...(prefix === '' ? {} : { prefix }),
    created: new Date(createdMs).toISOString(),
    ...(expiresAtMs === undefined ? {} : { expires: new Date(expiresAtMs).toISOString() }),
  }));
  return `${JSON.stringify({ version: VERSION, about: ABOUT, tokens: listed }, undefined, 2)}\n`;
}

/** Throws a RangeError that says what is wrong and where. */
export function parseTokens(text: string): readonly StoredToken[] {
  const file = object(parsed(text), 'the file', ['version', 'about', 'tokens']);
  if (file.version !== VERSION)
    throw new RangeError(`version must be ${VERSION}: another version of halfpipe wrote the file`);
  if (!Array.isArray(file.tokens)) throw new RangeError('tokens must be a list');
  if (file.tokens.length > TOKENS_MAX) throw new RangeError(`it has more than ${TOKENS_MAX} tokens`);
  const tokens = file.tokens.map((token: unknown, index) => storedToken(token, `token ${index + 1}`));
  const names = new Set<string>();
  for (const { name } of tokens) {
    if (names.has(name)) throw new RangeError(`two tokens have the name ${name}`);
    names.add(name);
  }
  return tokens;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function storedToken(value: unknown, where: string): StoredToken {
  const token = object(value, where, ['name', 'sha256', 'prefix', 'created', 'expires']);
  const field = <T>(key: string, accepts: (value: unknown) => T): T => {
    try {
      return accepts(token[key]);
    } catch (error) {
      throw error instanceof RangeError ? new RangeError(`${key} of ${where} ${error.message}`) : error;
    }
  };
  return {
    name: field('name', tokenName),
    sha256: field('sha256', sha256),
    prefix: token.prefix === undefined ? '' : field('prefix', tokenPrefix),
    createdMs: field('created', time),
    expiresAtMs: token.expires === undefined ? undefined : field('expires', time),
  };
}

function object(value: unknown, where: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RangeError(`${where} must be an object in braces`);
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const unknown = Object.keys(fields).find((key) => !keys.includes(key));
  if (unknown === undefined) return fields;
  const meant = nearest(unknown, keys);
  const guess = meant === undefined ? `there are ${keys.join(', ')}` : `did you mean ${meant}?`;
  throw new RangeError(`${where} has an unknown field ${JSON.stringify(unknown)}: ${guess}`);
}

function sha256(value: unknown): Buffer {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return Buffer.from(value, 'hex');
  throw new RangeError('must be 64 hexadecimal digits in lower case');
}

/** Only the form that formatTokens writes. */
function time(value: unknown): number {
  const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(timeMs) && new Date(timeMs).toISOString() === value) return timeMs;
  throw new RangeError('must be a time in UTC, such as 2026-11-27T19:30:00.000Z');
}

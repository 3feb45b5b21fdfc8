// The tokens as `halfpipe token list` shows them. Nothing in it lets anything in.
import type { StoredToken } from '../ingest/token-list.ts';

const HEADS = ['NAME', 'PREFIX', 'CREATED', 'EXPIRES'];

/** One line a token, in columns; times are in UTC. */
export function tokenTable(tokens: readonly StoredToken[], nowMs: number): string {
  if (tokens.length === 0) return 'there is no token: halfpipe token add NAME makes one\n';
  const rows = [
    HEADS,
    ...tokens.map(({ name, prefix, createdMs, expiresAtMs }) => [
      name,
      prefix === '' ? 'any' : prefix,
      minute(createdMs),
      endText(expiresAtMs, nowMs),
    ]),
  ];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  return rows.map((row) => `${line(row).join('  ').trimEnd()}\n`).join('');
}

/** The JSON for programs: a prefix of null is the whole spool, an end of null is never. */
export function tokensAsJson(tokens: readonly StoredToken[], nowMs: number, tokensFile: string): string {
  const listed = tokens.map(({ name, prefix, createdMs, expiresAtMs }) => ({
    name,
    prefix: prefix === '' ? null : prefix,
    created: new Date(createdMs).toISOString(),
    expires: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
    isExpired: isExpired(expiresAtMs, nowMs),
  }));
  return `${JSON.stringify({ tokensFile, tokens: listed }, undefined, 2)}\n`;
}

function endText(expiresAtMs: number | undefined, nowMs: number): string {
  if (expiresAtMs === undefined) return 'never';
  return `${isExpired(expiresAtMs, nowMs) ? 'expired ' : ''}${minute(expiresAtMs)}`;
}

function isExpired(expiresAtMs: number | undefined, nowMs: number): boolean {
  return expiresAtMs !== undefined && nowMs >= expiresAtMs;
}

/** `2026-11-27T19:30Z` */
function minute(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16)}Z`;
}

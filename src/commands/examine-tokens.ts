// The part of `halfpipe check` about ingest.tokensFile: whether the service can read it, which
// users could change it, and whether a producer has a token that holds.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { readTokenFile, type TokenFile } from '../ingest/token-file.ts';
import type { StoredToken } from '../ingest/token-list.ts';
import { asServiceUser } from './as-service-user.ts';
import { type Finding, fails, ok, warns } from './finding.ts';

/** Time enough to give a producer another token. */
const SOON_MS = 14 * 86_400_000;

/** Rejects with a Fault if the service could not read the file. */
export async function examineTokens(
  file: string,
  { spool, service }: Settings,
  nowMs: number,
): Promise<readonly Finding[]> {
  const read = await asServiceUser(spool.path, service, async () => readTokenFile(file));
  return [...accessFindings(file, read), ...tokenFindings(file, read.tokens, nowMs)];
}

function accessFindings(file: string, { mode }: Pick<TokenFile, 'mode'>): readonly Finding[] {
  const folder = dirname(file);
  const ofFolder = statSync(folder).mode;
  const hasSticky = (ofFolder & 0o1000) !== 0;
  const added = 'Then look in halfpipe token list for tokens that you did not make';
  return [
    ...(mode & 0o022 ? [fails(`other users may add tokens to ${file}: chmod 0640 ${file}. ${added}`)] : []),
    ...(mode & 0o004 ? [warns(`every user may read ${file}: chmod 0640 ${file}`)] : []),
    ...(ofFolder & 0o022 && !hasSticky
      ? [fails(`other users may replace ${file}: chmod 0755 ${folder}. ${added}`)]
      : []),
  ];
}

function tokenFindings(file: string, tokens: readonly StoredToken[], nowMs: number): readonly Finding[] {
  const endsBy =
    (timeMs: number) =>
    ({ expiresAtMs }: StoredToken) =>
      expiresAtMs !== undefined && expiresAtMs <= timeMs;
  const expired = tokens.filter(endsBy(nowMs));
  const valid = tokens.filter((token) => !expired.includes(token));
  const ending = valid.filter(endsBy(nowMs + SOON_MS));
  if (valid.length === 0) {
    const none = tokens.length === 0 ? 'has no token' : 'has no token that has not expired';
    return [warns(`${file} ${none}: halfpipe token add NAME makes one`)];
  }
  return [
    ok(`${file}: ${valid.length === 1 ? '1 valid token' : `${valid.length} valid tokens`}`),
    ...(ending.length === 0 ? [] : [warns(`${soonText(ending)} in time`)]),
    ...(expired.length === 0
      ? []
      : [warns(`expired: ${named(expired)}: halfpipe token revoke NAME removes one`)]),
  ];
}

function soonText(tokens: readonly StoredToken[]): string {
  return tokens.length === 1
    ? `token ${named(tokens)} expires within 14 days: make another one`
    : `tokens ${named(tokens)} expire within 14 days: make others`;
}

const NAMES_MAX = 5;

function named(tokens: readonly StoredToken[]): string {
  const names = tokens.slice(0, NAMES_MAX).map(({ name }) => name);
  const others = tokens.length - names.length;
  return `${names.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

// `halfpipe token add|list|revoke`: which producers may bring files over HTTP. It works beside a
// running daemon, which looks at the file for each request.
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import { changeTokens } from '../ingest/change-tokens.ts';
import { digestOf, makeToken } from '../ingest/token.ts';
import { readTokenFile } from '../ingest/token-file.ts';
import { type StoredToken, TOKENS_MAX } from '../ingest/token-list.ts';
import { systemClock } from '../system/clock.ts';
import { amended, explain, Fault } from '../system/fault.ts';
import { nearest } from '../system/nearest.ts';
import { readService } from '../system/service.ts';
import { groupOfService } from './as-service-user.ts';
import type { AskContext } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findTokensFile } from './one-setting.ts';
import { tokensAsJson, tokenTable } from './token-table.ts';

export type TokenRequest =
  | {
      readonly action: 'add';
      readonly name: string;
      readonly prefix: string | undefined;
      /** Undefined: the token does not expire. */
      readonly expiresMs: number | undefined;
    }
  | { readonly action: 'list'; readonly asJson: boolean }
  | { readonly action: 'revoke'; readonly name: string };

/**
 * Resolves with 0 if it was done; with 1 if the name is taken or unknown, or the file cannot be
 * used. Rejects with ConfigError if the config does not name the file.
 */
export async function token(context: AskContext, request: TokenRequest): Promise<ExitCode> {
  const file = await findTokensFile(context);
  if (file === undefined) throw notSet(context.configFile);
  try {
    switch (request.action) {
      case 'add':
        return await add(context, file, request);
      case 'list':
        return list(context, file, request.asJson);
      case 'revoke':
        return await revoke(context, file, request.name);
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    context.stderr.write(`halfpipe: ${explain(forOperator(error))}\n`);
    return EXIT.failure;
  }
}

function notSet(configFile: string): ConfigError {
  const instance = basename(configFile, '.yaml');
  const name = instance === 'halfpipe' ? 'ingest-tokens.json' : `${instance}-ingest-tokens.json`;
  const tokensFile = join(dirname(resolve(configFile)), name);
  return new ConfigError([
    `${configFile}: ingest.tokensFile is not set: set it to ${tokensFile}, and ingest.listen to a port such as 8080`,
  ]);
}

/** The hint of the fault is for the service. */
function forOperator(fault: Fault): Fault {
  if (fault.code !== 'EACCES' || process.geteuid?.() === 0) return fault;
  return amended(fault, { hint: 'Try it with sudo' });
}

async function add(
  { env, stdout, stderr }: AskContext,
  file: string,
  { name, prefix = '', expiresMs }: Extract<TokenRequest, { action: 'add' }>,
): Promise<ExitCode> {
  const text = makeToken();
  const createdMs = systemClock.wallMs();
  const expiresAtMs = expiresMs === undefined ? undefined : createdMs + expiresMs;
  const made: StoredToken = { name, sha256: digestOf(text), prefix, createdMs, expiresAtMs };
  const ports = { clock: systemClock, readers: groupOfService(readService(env)) };
  await changeTokens(file, (tokens) => withNew(tokens, made, file), ports);
  const where = prefix === '' ? 'anywhere in the spool' : `below ${prefix}`;
  const end = expiresAtMs === undefined ? '' : `, until ${new Date(expiresAtMs).toISOString()}`;
  stderr.write(
    `halfpipe: ${name} may bring files ${where}${end}. This is its token; it is shown only this once:\n`,
  );
  stdout.write(`${text}\n`);
  stderr.write(
    'A producer sends it as the header Authorization: Bearer TOKEN, or as the password of any user.\n',
  );
  return EXIT.ok;
}

function withNew(tokens: readonly StoredToken[], made: StoredToken, file: string): readonly StoredToken[] {
  if (tokens.some(({ name }) => name === made.name))
    throw refusal(
      file,
      `there is a token ${made.name} already`,
      'Take another name, or revoke that one first',
    );
  if (tokens.length === TOKENS_MAX)
    throw refusal(file, `there are ${TOKENS_MAX} tokens, the most that are kept`, 'Revoke one first');
  return [...tokens, made];
}

function list({ stdout }: AskContext, file: string, asJson: boolean): ExitCode {
  const tokens = tokensIn(file);
  const nowMs = systemClock.wallMs();
  stdout.write(asJson ? tokensAsJson(tokens, nowMs, file) : tokenTable(tokens, nowMs));
  return EXIT.ok;
}

/** No token has been made while there is no file. */
function tokensIn(file: string): readonly StoredToken[] {
  try {
    return readTokenFile(file).tokens;
  } catch (error) {
    if (error instanceof Fault && error.code === 'ENOENT') return [];
    throw error;
  }
}

async function revoke({ stdout }: AskContext, file: string, name: string): Promise<ExitCode> {
  // A file that does not exist is not made for this.
  withoutOne(tokensIn(file), name, file);
  const ports = { clock: systemClock, readers: undefined };
  await changeTokens(file, (tokens) => withoutOne(tokens, name, file), ports);
  stdout.write(`${name} is revoked: requests with its token are refused from now on\n`);
  return EXIT.ok;
}

function withoutOne(tokens: readonly StoredToken[], name: string, file: string): readonly StoredToken[] {
  const others = tokens.filter((one) => one.name !== name);
  if (others.length < tokens.length) return others;
  const names = tokens.map((one) => one.name);
  const meant = names.length === 0 ? undefined : nearest(name, names);
  const guess = meant === undefined ? 'halfpipe token list shows them' : `Did you mean ${meant}?`;
  throw refusal(file, `there is no token ${name}`, names.length === 0 ? 'No token has been made yet' : guess);
}

function refusal(file: string, message: string, hint: string): Fault {
  return new Fault('blocked', message, {
    ...{ operation: 'change tokens', subject: file, hint, isLocal: true },
  });
}

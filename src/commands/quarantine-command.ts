// `halfpipe quarantine list|retry|drop`: what a human does about quarantined files. It works beside
// a running daemon, because it only renames: a file put back is found like any other.
import { createInterface } from 'node:readline/promises';
import type { ReadStream } from 'node:tty';
import type { Quarantined } from '../spool/quarantine.ts';
import { SpoolDirectory } from '../spool/spool-directory.ts';
import { explain, Fault, withHint } from '../system/fault.ts';
import { redactorOf } from '../system/redact.ts';
import { readService } from '../system/service.ts';
import { readableSize } from '../view/readable.ts';
import { asServiceUser } from './as-service-user.ts';
import type { AskContext } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSpoolPath } from './one-setting.ts';

/** Without ids: every file there. With `yes`, dropping does not ask. */
export type QuarantineRequest =
  | { readonly action: 'list' }
  | { readonly action: 'retry'; readonly ids: readonly string[] }
  | { readonly action: 'drop'; readonly ids: readonly string[]; readonly yes: boolean };

interface Kept {
  readonly quarantined: Quarantined;
  readonly sizeBytes: number | undefined;
}

/**
 * Resolves with 0 if everything was done; with 1 if an id is unknown, a name is taken or the answer
 * was no.
 */
export async function quarantine(
  context: AskContext & { readonly stdin: ReadStream },
  request: QuarantineRequest,
): Promise<ExitCode> {
  const path = await findSpoolPath(context);
  try {
    return await asServiceUser(path, readService(context.env), () => act(context, path, request));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    context.stderr.write(`halfpipe: ${explain(error)}\n`);
    return EXIT.failure;
  }
}

async function act(
  context: AskContext & { readonly stdin: ReadStream },
  path: string,
  request: QuarantineRequest,
): Promise<ExitCode> {
  const directory = await SpoolDirectory.open(path);
  try {
    const kept = await keptFiles(directory);
    if (request.action === 'list') return list(context, kept);
    const chosen = choose(context, kept, request.ids);
    if (chosen === undefined) return EXIT.failure;
    return request.action === 'retry'
      ? await retry(context, directory, chosen)
      : await drop(context, directory, chosen, request.yes);
  } finally {
    await directory.close();
  }
}

/** Oldest first. */
async function keptFiles(directory: SpoolDirectory): Promise<Kept[]> {
  const kept: Kept[] = [];
  for await (const quarantined of directory.listQuarantine())
    kept.push({ quarantined, sizeBytes: await directory.quarantinedBytes(quarantined) });
  return kept.sort((a, b) => (a.quarantined.id < b.quarantined.id ? -1 : 1));
}

function list({ stdout, env }: AskContext, kept: readonly Kept[]): ExitCode {
  if (kept.length === 0) stdout.write('the quarantine is empty\n');
  const redact = redactorOf(env);
  for (const file of kept) {
    const { reason, hint } = file.quarantined;
    stdout.write(redact(`${describe(file)}\n  ${withHint(reason, hint)}\n`));
  }
  return EXIT.ok;
}

/** Undefined, after a message, if an id is unknown. */
function choose(
  { stderr }: AskContext,
  kept: readonly Kept[],
  ids: readonly string[],
): readonly Kept[] | undefined {
  if (ids.length === 0) return kept;
  const chosen = kept.filter(({ quarantined }) => ids.includes(quarantined.id));
  const unknown = ids.filter((id) => !kept.some(({ quarantined }) => quarantined.id === id));
  for (const id of unknown)
    stderr.write(`halfpipe: nothing in quarantine has the id ${JSON.stringify(id)}\n`);
  return unknown.length === 0 ? chosen : undefined;
}

async function retry(
  { stdout, stderr }: AskContext,
  directory: SpoolDirectory,
  chosen: readonly Kept[],
): Promise<ExitCode> {
  let failed = false;
  for (const { quarantined } of chosen) {
    const { path } = quarantined;
    if ((await directory.retryQuarantined(quarantined)) === 'restored') {
      stdout.write(`${path} is back in the spool\n`);
      continue;
    }
    failed = true;
    stderr.write(`halfpipe: ${path} stays in quarantine: another file has its name in the spool\n`);
  }
  return failed ? EXIT.failure : EXIT.ok;
}

async function drop(
  context: AskContext & { readonly stdin: ReadStream },
  directory: SpoolDirectory,
  chosen: readonly Kept[],
  yes: boolean,
): Promise<ExitCode> {
  const { stdout, stderr } = context;
  for (const file of chosen) stdout.write(`${describe(file)}\n`);
  if (!yes && chosen.length > 0) {
    if (!context.stdin.isTTY) {
      stderr.write('halfpipe: nothing was deleted: without a terminal, add --yes\n');
      return EXIT.failure;
    }
    if (!(await isConfirmed(context, chosen.length))) {
      stdout.write('nothing was deleted\n');
      return EXIT.failure;
    }
  }
  for (const { quarantined } of chosen) await directory.dropQuarantined(quarantined);
  stdout.write(`deleted ${chosen.length} for good\n`);
  return EXIT.ok;
}

async function isConfirmed(
  { stdin, stdout }: AskContext & { readonly stdin: ReadStream },
  count: number,
): Promise<boolean> {
  const prompt = createInterface({ input: stdin, output: stdout });
  try {
    return /^y(es)?$/i.test(await prompt.question(`Delete ${count} for good, bucket untouched? [y/N] `));
  } finally {
    prompt.close();
  }
}

function describe({ quarantined: { id, at, path }, sizeBytes }: Kept): string {
  const size = sizeBytes === undefined ? 'no longer there' : readableSize(sizeBytes);
  return `${id}  ${at}  ${size}  ${path}`;
}

// `halfpipe status` asks the running daemon once.
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { errnoOf, explain } from '../system/fault.ts';
import { readService } from '../system/service.ts';
import { fetchSnapshot } from '../view/control.ts';
import { renderPlain } from '../view/live-view.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSpoolPath } from './which-spool.ts';

export interface StatusContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Prints one line, or the whole snapshot as JSON. */
export async function status(context: StatusContext, asJson: boolean): Promise<ExitCode> {
  const snapshot = await ask(await findSpoolPath(context), context);
  if (snapshot === undefined) return EXIT.failure;
  context.stdout.write(asJson ? `${JSON.stringify(snapshot, null, 2)}\n` : `${renderPlain(snapshot)}\n`);
  return EXIT.ok;
}

async function ask(
  spoolPath: string,
  { configFile, env, stderr }: StatusContext,
): Promise<Snapshot | undefined> {
  try {
    return await fetchSnapshot(await connectToInstance(spoolPath));
  } catch (error) {
    stderr.write(`halfpipe: ${unanswered(error, spoolPath, configFile, readService(env).unit)}\n`);
    return undefined;
  }
}

/** True if the error does not mean that no daemon answers: it could not be asked. */
export function mayRun(error: unknown, spoolPath: string): boolean {
  return errnoOf(error) === 'EACCES' || !existsSync(spoolPath);
}

/** Why no daemon answers, and what to do, in one line. */
export function unanswered(error: unknown, spoolPath: string, configFile: string, unit: string): string {
  switch (errnoOf(error)) {
    case 'EACCES':
      return `only root and the service's user may ask about ${spoolPath}: try it with sudo`;
    case 'ENOENT':
    case 'ECONNREFUSED':
      return existsSync(spoolPath)
        ? `halfpipe is not running on ${spoolPath}: systemctl start ${unit}, then journalctl -u ${unit}`
        : `the spool ${spoolPath} does not exist: check spool.path in ${configFile}`;
    case 'ECONNRESET':
      return `halfpipe on ${spoolPath} is just starting or stopping: ask again`;
    default:
      return `no daemon answers for the spool ${spoolPath}: ${explain(error)}`;
  }
}

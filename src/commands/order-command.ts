// `halfpipe pause`, `resume`, `share`, `retry`, `rescan`: orders to the running daemon.
import { realpathSync } from 'node:fs';
import { isAbsolute, normalize, relative } from 'node:path';
import { share } from '../config/formats.ts';
import { giveOrder } from '../control/control-client.ts';
import type { Order } from '../control/order.ts';
import { errnoOf } from '../system/fault.ts';
import { type AskContext, askDaemon } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSpoolPath } from './one-setting.ts';

/** The order that the words of a command make. Throws RangeError if the share is none. */
export function orderOf(
  command: Order['order'],
  args: readonly string[],
  forMs: number | undefined = undefined,
): Order {
  const [wanted] = args;
  switch (command) {
    case 'pause':
      return { order: command, forMs: forMs ?? null };
    case 'share':
      return { order: command, share: wanted === 'default' ? null : share(wanted), forMs: forMs ?? null };
    case 'retry':
      return { order: command, paths: args };
    default:
      return { order: command };
  }
}

/** Prints what the daemon has done. */
export async function order(context: AskContext, wanted: Order): Promise<ExitCode> {
  const spoolPath = await findSpoolPath(context);
  const sent = wanted.order === 'retry' ? { ...wanted, paths: below(spoolPath, wanted.paths) } : wanted;
  const obeyed = await askDaemon(spoolPath, context, (connection) => giveOrder(connection, sent));
  if (typeof obeyed === 'string') return EXIT.failure;
  context.stdout.write(`${obeyed.text}\n`);
  if (obeyed.warning === null) return EXIT.ok;
  context.stderr.write(`halfpipe: ${obeyed.warning}\n`);
  return EXIT.failure;
}

/** Paths below the spool. The shell completes paths of the whole system, or of its own folder. */
function below(spoolPath: string, paths: readonly string[]): string[] {
  const spool = real(spoolPath) ?? spoolPath;
  return paths.map((path) => {
    const inSpool = relative(spool, real(path) ?? spool);
    if (inSpool !== '' && !inSpool.startsWith('..')) return inSpool;
    return isAbsolute(path) ? relative(spoolPath, path) : normalize(path);
  });
}

/** Undefined if there is no such file. */
function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

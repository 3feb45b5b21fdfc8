// Asks the running daemon for a command, and says in one line why it does not answer.
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import { Refusal } from '../control/control-client.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { errnoOf, explain } from '../system/fault.ts';
import { readService } from '../system/service.ts';

export interface AskContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** `not-running`, `no-spool`, or `failed` for everything else. */
export type Unanswered = 'not-running' | 'no-spool' | 'failed';

/**
 * Resolves with the answer, or prints why there is none. `ask` gets a fresh connection to the
 * daemon that drains the spool at `spoolPath`.
 */
export async function askDaemon<T extends object>(
  spoolPath: string,
  { configFile, env, stderr }: AskContext,
  ask: (connection: Socket) => Promise<T>,
): Promise<T | Unanswered> {
  try {
    return await ask(await connectToInstance(spoolPath));
  } catch (error) {
    const { outcome, text } = whyUnanswered(error, spoolPath, configFile, readService(env).unit);
    stderr.write(`halfpipe: ${text}\n`);
    return outcome;
  }
}

export function whyUnanswered(
  error: unknown,
  spoolPath: string,
  configFile: string,
  unit: string,
): { readonly outcome: Unanswered; readonly text: string } {
  switch (errnoOf(error)) {
    case 'EACCES':
      return {
        outcome: 'failed',
        text: `only root and the service's user may ask about ${spoolPath}: try it with sudo`,
      };
    case 'ENOENT':
    case 'ECONNREFUSED':
      return existsSync(spoolPath)
        ? {
            outcome: 'not-running',
            text: `halfpipe is not running on ${spoolPath}: systemctl start ${unit}, then journalctl -u ${unit}`,
          }
        : {
            outcome: 'no-spool',
            text: `the spool ${spoolPath} does not exist: check spool.path in ${configFile}`,
          };
    case 'ECONNRESET':
      return {
        outcome: 'not-running',
        text: `halfpipe on ${spoolPath} is just starting or stopping: ask again`,
      };
    default: {
      const what = error instanceof Refusal ? 'the daemon refuses' : `no daemon answers for ${spoolPath}`;
      return { outcome: 'failed', text: `${what}: ${explain(error)}` };
    }
  }
}

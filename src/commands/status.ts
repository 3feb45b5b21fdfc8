// `halfpipe status` asks the running daemon once.
import { fetchSnapshot } from '../control/control-client.ts';
import { isHealthy } from '../view/health-text.ts';
import { statusScreen } from '../view/status-screen.ts';
import { type AskContext, askDaemon } from './ask-daemon.ts';
import { type ExitCode, STATUS_EXIT } from './exit-codes.ts';
import { findSpoolPath } from './one-setting.ts';

/** Prints a screenful, or the whole snapshot as JSON. */
export async function status(context: AskContext, asJson: boolean): Promise<ExitCode> {
  const spoolPath = await findSpoolPath(context);
  const snapshot = await askDaemon(spoolPath, context, fetchSnapshot);
  if (typeof snapshot === 'string') return STATUS_EXIT[snapshot];
  context.stdout.write(`${asJson ? JSON.stringify(snapshot, null, 2) : statusScreen(snapshot)}\n`);
  return STATUS_EXIT[isHealthy(snapshot) ? 'healthy' : 'degraded'];
}

// `halfpipe status` asks the running daemon once.
import { fetchSnapshot } from '../control/control-client.ts';
import { isHealthy, statusScreen } from '../view/status-screen.ts';
import { type AskContext, askDaemon } from './ask-daemon.ts';
import { findSpoolPath } from './which-spool.ts';

/** Exit codes of `halfpipe status`, as OPERATING.md explains them. */
const STATUS_EXIT = { healthy: 0, degraded: 1, 'not-running': 2, 'no-spool': 3, failed: 1 } as const;
type StatusExit = (typeof STATUS_EXIT)[keyof typeof STATUS_EXIT];

/** Prints a screenful, or the whole snapshot as JSON. */
export async function status(context: AskContext, asJson: boolean): Promise<StatusExit> {
  const spoolPath = await findSpoolPath(context);
  const snapshot = await askDaemon(spoolPath, context, fetchSnapshot);
  if (typeof snapshot === 'string') return STATUS_EXIT[snapshot];
  context.stdout.write(`${asJson ? JSON.stringify(snapshot, null, 2) : statusScreen(snapshot)}\n`);
  return STATUS_EXIT[isHealthy(snapshot) ? 'healthy' : 'degraded'];
}

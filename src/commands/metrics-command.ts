// `halfpipe metrics` prints what /metrics would serve, for a machine without a listener: a timer
// writes it into a file that node_exporter reads.

import { fetchSnapshot } from '../control/control-client.ts';
import { renderMetrics, renderNotRunning } from '../observe/metrics.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { errnoOf } from '../system/fault.ts';
import { readService } from '../system/service.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { type AskContext, whyUnanswered } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSpoolPath } from './one-setting.ts';

/**
 * A daemon that does not run or does not answer is a metric, too: `halfpipe_up 0`. Resolves with 1
 * only if that cannot be found out, and prints nothing then, so that an old file grows old.
 */
export async function metrics(context: AskContext): Promise<ExitCode> {
  const { configFile, env, stdout, stderr } = context;
  const spoolPath = await findSpoolPath(context);
  const { unit } = readService(env);
  let snapshot: Snapshot;
  try {
    snapshot = await fetchSnapshot(await connectToInstance(spoolPath));
  } catch (error) {
    const { outcome, text } = whyUnanswered(error, spoolPath, configFile, unit);
    // Every other error means that no daemon answers, and not only that this user may not ask.
    if (errnoOf(error) === 'EACCES' || outcome === 'no-spool') {
      stderr.write(`halfpipe: ${text}\n`);
      return EXIT.failure;
    }
    stdout.write(await renderNotRunning(unit));
    return EXIT.ok;
  }
  stdout.write((await renderMetrics(snapshot, { isDaemon: false })).body);
  return EXIT.ok;
}

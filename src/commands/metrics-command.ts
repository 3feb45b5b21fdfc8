// `halfpipe metrics` prints what /metrics would serve, for a machine without a listener: a timer
// writes it into a file that node_exporter reads.
import { renderMetrics, renderNotRunning } from '../observe/metrics.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { readService } from '../system/service.ts';
import { fetchSnapshot } from '../view/control.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { mayRun, type StatusContext, unanswered } from './status.ts';
import { findSpoolPath } from './which-spool.ts';

/**
 * A daemon that does not run or does not answer is a metric, too: `halfpipe_up 0`. Resolves with 1
 * only if that cannot be found out, and prints nothing then, so that an old file grows old.
 */
export async function metrics(context: StatusContext): Promise<ExitCode> {
  const { configFile, env, stdout, stderr } = context;
  const spoolPath = await findSpoolPath(context);
  const { unit } = readService(env);
  let snapshot: Snapshot;
  try {
    snapshot = await fetchSnapshot(await connectToInstance(spoolPath));
  } catch (error) {
    if (mayRun(error, spoolPath)) {
      stderr.write(`halfpipe: ${unanswered(error, spoolPath, configFile, unit)}\n`);
      return EXIT.failure;
    }
    stdout.write(await renderNotRunning(unit));
    return EXIT.ok;
  }
  stdout.write((await renderMetrics(snapshot, { isDaemon: false })).body);
  return EXIT.ok;
}

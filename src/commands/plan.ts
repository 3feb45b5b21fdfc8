// `halfpipe plan`: a dry run. It says what the daemon would upload, and what not, and changes
// nothing.
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { fetchSnapshot } from '../control/control-client.ts';
import { LinkFinder } from '../link/link-finder.ts';
import { ratesOn } from '../pace/link-rates.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { SpoolGlance } from '../spool/spool-glance.ts';
import { uplinkOptionsOf } from '../stage-options.ts';
import { systemClock } from '../system/clock.ts';
import { explain, Fault } from '../system/fault.ts';
import { redactorOf } from '../system/redact.ts';
import { asServiceUser } from './as-service-user.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type PlanPace, planInJson, planText } from './plan-text.ts';
import { surveySpool } from './spool-survey.ts';
import { loadVettedSettings } from './vetted-settings.ts';

export interface PlanContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface PlanRequest {
  readonly asJson: boolean;
  /** How many files are listed [20]. */
  readonly limit: number | undefined;
}

/**
 * Resolves with 0; with 1 if the spool cannot be looked at. Rejects with ConfigError for a refused
 * config.
 */
export async function plan(context: PlanContext, { asJson, limit = 20 }: PlanRequest): Promise<ExitCode> {
  const { configFile, env, stdout, stderr } = context;
  const settings = await loadVettedSettings(configFile, env);
  const redact = redactorOf(env);
  try {
    const survey = await asServiceUser(settings.spool.path, settings.service, () => look(settings, limit));
    const plan = { survey, settings, pace: await paceOf(settings), nowMs: systemClock.wallMs() };
    stdout.write(redact(asJson ? planInJson(plan) : planText(plan)));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    stderr.write(`halfpipe: ${redact(explain(error))}\n`);
    return EXIT.failure;
  }
}

async function look(settings: Settings, limit: number) {
  const spool = await SpoolGlance.open(settings.spool.path);
  try {
    return await surveySpool(spool, settings, { limit, clock: systemClock });
  } finally {
    await spool.close();
  }
}

/** What the running daemon has, else what a daemon would find. Undefined if there is no link. */
async function paceOf(settings: Settings): Promise<PlanPace | undefined> {
  const running = await connectToInstance(settings.spool.path)
    .then(fetchSnapshot)
    .catch(() => undefined);
  if (running?.link) return { ...running.link, isRunning: true };
  try {
    const { capacityBitsPerSec } = await new LinkFinder().find(await uplinkOptionsOf(settings));
    const { targetBytesPerSec, floorBytesPerSec } = ratesOn(capacityBitsPerSec, settings.link);
    const [targetBitsPerSec, floorBitsPerSec] = [targetBytesPerSec * 8, floorBytesPerSec * 8];
    return { targetBitsPerSec, floorBitsPerSec, isRunning: false };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  }
}

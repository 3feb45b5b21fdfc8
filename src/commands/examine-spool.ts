// The part of `halfpipe check` about the spool: whether the service could drain it, and what it
// would leave out.
import { statSync } from 'node:fs';
import { FileIndex } from '../backlog/file-index.ts';
import { IgnoreRules } from '../backlog/ignore-rules.ts';
import { OddityReports } from '../backlog/oddity-reports.ts';
import { scan } from '../backlog/scanner.ts';
import { Settle } from '../backlog/settle.ts';
import type { Settings } from '../config/settings.ts';
import { SpoolDirectory } from '../spool/spool-directory.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import type { Service } from '../system/service.ts';
import { readableFiles } from '../view/readable.ts';
import { skippedText } from '../view/status-text.ts';
import { asServiceUser, isUser } from './as-service-user.ts';
import { type Finding, ok, warns } from './finding.ts';
import { askUnit, sandboxFindings } from './sandbox.ts';

const SERVICE_USER = 'halfpipe';
/** A million files take about 10 s. */
const SCAN_TIMEOUT_MS = 20_000;

export async function examineSpool({ spool, service }: Settings): Promise<readonly Finding[]> {
  const hidden = await hiddenBySandbox(spool.path, service);
  if (hidden.some(({ verdict }) => verdict === 'FAIL')) return hidden;
  const ofRoot = ownedByRoot(spool.path, service);
  const look = () => asServiceUser(spool.path, service, () => lookInto(spool));
  const { quarantined, skipped } = await look().catch((error) => {
    throw ofRoot !== undefined && isRefusedBySystem(error) ? new Error(ofRoot, { cause: error }) : error;
  });
  const findings = [ok(`${spool.path}: files can be created, renamed and deleted`), ...hidden];
  // If the user exists, the service can do what has just been done.
  if (ofRoot !== undefined && !isUser(userOf(service))) findings.push(warns(ofRoot));
  if (quarantined > 0)
    findings.push(warns(`${readableFiles(quarantined)} in quarantine: halfpipe quarantine list`));
  return [...findings, ...skipped];
}

async function lookInto(spool: Settings['spool']) {
  const directory = await SpoolDirectory.open(spool.path);
  try {
    return { quarantined: await directory.quarantinedCount(), skipped: await lookThrough(directory, spool) };
  } finally {
    await directory.close();
  }
}

function isRefusedBySystem(error: unknown): boolean {
  return error instanceof Fault && ['EACCES', 'EPERM'].includes(errnoOf(error.cause) ?? '');
}

/** Finds what the daemon would leave out. */
async function lookThrough(directory: SpoolDirectory, spool: Settings['spool']): Promise<readonly Finding[]> {
  const reports = new OddityReports();
  const signal = AbortSignal.timeout(SCAN_TIMEOUT_MS);
  reports.scanBegan();
  try {
    await scan(directory, {
      ...{ index: new FileIndex(spool.order, 1), ignore: new IgnoreRules(spool.ignore) },
      settle: new Settle(0),
      now: { wallMs: systemClock.wallMs(), monotonicMs: systemClock.monotonicMs() },
      judge: () => 'counted',
      wasRenamed: () => true,
      onOddity: (path, oddity) => reports.sighted(path, oddity),
      signal,
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  reports.scanEnded(0);
  const found = reports.counts.map((kind) => {
    const example = `${kind.example}`;
    return warns(`${skippedText({ ...kind, example })}: ${kind.remedy}`);
  });
  const more = warns(
    'the spool holds more than could be looked at in time: halfpipe status shows what is skipped',
  );
  return signal.aborted ? [...found, more] : found;
}

/** The service's user cannot empty a folder that root owns, unless its group may. */
function ownedByRoot(path: string, service: Service): string | undefined {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || owner?.uid !== 0) return undefined;
  const user = userOf(service);
  return `the spool belongs to root, and the service runs as ${user}: chown ${user}: ${path}`;
}

function userOf({ user = SERVICE_USER }: Service): string {
  return user;
}

/** Applies only to the spool of a service. */
async function hiddenBySandbox(path: string, { unit, user }: Service): Promise<readonly Finding[]> {
  const properties = user === undefined ? undefined : await askUnit(unit);
  return properties === undefined ? [] : sandboxFindings(path, unit, properties);
}

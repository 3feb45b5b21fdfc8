// `halfpipe check`, the part about the spool: whether the service could drain it, and what it would leave out.
import { statSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import { IgnoreRules } from '../spool/ignore-rules.ts';
import { OddityReports } from '../spool/oddity-reports.ts';
import { Settle } from '../spool/settle.ts';
import { SpoolDirectory } from '../spool/spool-directory.ts';
import { systemClock } from '../system/clock.ts';
import type { Service } from '../system/service.ts';
import { readableFiles } from '../view/readable.ts';
import { skippedText } from '../view/status-text.ts';
import { asServiceUser, isUser } from './as-service-user.ts';
import { type Finding, fails, ok, warns } from './finding.ts';
import { askUnit, sandboxFindings } from './sandbox.ts';

const SERVICE_USER = 'halfpipe';
/** A million files take about 10 s. */
const SCAN_TIMEOUT_MS = 20_000;

export async function examineSpool({ spool, service }: Settings): Promise<readonly Finding[]> {
  const wrong = [...ownership(spool.path, service), ...(await hiddenBySandbox(spool.path, service))];
  if (wrong.some(({ verdict }) => verdict === 'FAIL')) return wrong;
  const [quarantined, skipped] = await asServiceUser(spool.path, service.user, async () => {
    const directory = await SpoolDirectory.open(spool.path);
    try {
      return [await directory.quarantinedCount(), await lookThrough(directory, spool)] as const;
    } finally {
      await directory.close();
    }
  });
  const findings = [ok(`${spool.path}: files can be created, renamed and deleted`), ...wrong];
  if (quarantined > 0)
    findings.push(warns(`${readableFiles(quarantined)} in quarantine: halfpipe quarantine list`));
  return [...findings, ...skipped];
}

/** What the daemon would leave out. */
async function lookThrough(directory: SpoolDirectory, spool: Settings['spool']): Promise<readonly Finding[]> {
  const reports = new OddityReports();
  const signal = AbortSignal.timeout(SCAN_TIMEOUT_MS);
  reports.scanBegan();
  try {
    await directory.scan({
      ...{ order: spool.order, capacity: 1, ignore: new IgnoreRules(spool.ignore), settle: new Settle(0) },
      now: { wallMs: systemClock.wallMs(), monotonicMs: systemClock.monotonicMs() },
      wants: () => false,
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
  const more = warns('there is more in it than could be looked at: halfpipe status tells what is skipped');
  return signal.aborted ? [...found, more] : found;
}

/** What root owns, the service's user cannot empty. Where there is that user, the service runs as it. */
function ownership(path: string, { user = SERVICE_USER }: Service): readonly Finding[] {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || owner?.uid !== 0) return [];
  const verdict = isUser(user) ? fails : warns;
  return [verdict(`it belongs to root, and the service runs as ${user}: chown ${user}: ${path}`)];
}

/** Applies only to the spool of a service. */
async function hiddenBySandbox(path: string, { unit, user }: Service): Promise<readonly Finding[]> {
  const properties = user === undefined ? undefined : await askUnit(unit);
  return properties === undefined ? [] : sandboxFindings(path, unit, properties);
}

// `halfpipe check`: everything the daemon needs, tried out once, in a short table. Leaves nothing behind.
import { statSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { HandlerLimits } from '../sending/messages.ts';
import { PacedHandler } from '../sending/paced-handler.ts';
import { storeOptionsOf, wayOutOf } from '../settings-of.ts';
import { IgnoreRules } from '../spool/ignore-rules.ts';
import { OddityReports } from '../spool/oddity-reports.ts';
import { Settle } from '../spool/settle.ts';
import { SpoolDirectory } from '../spool/spool-directory.ts';
import type { ConditionSupport } from '../store/dialect.ts';
import type { RoundTrip } from '../store/round-trip.ts';
import { S3Store } from '../store/s3-store.ts';
import { systemClock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { readableFiles } from '../view/readable.ts';
import { skippedText } from '../view/status-text.ts';
import { asOwnerOf, isUser } from './as-owner.ts';
import { findingsOfDaemon } from './daemon-findings.ts';
import { examineLink } from './examine-link.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Finding, fails, ok, warns } from './finding.ts';
import { loadVettedSettings } from './vetted-settings.ts';

export interface CheckContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
}

const SERVICE_USER = 'halfpipe';
/** A million files take about 10 s. */
const SCAN_TIMEOUT_MS = 20_000;
const STORE_TIMEOUT_MS = 30_000;
/** Nothing is paced here: a handful of small requests. */
const UNPACED = { sliceBytes: () => 16_384, admit: () => Promise.resolve() };

/** 0 when everything works, 1 otherwise. Rejects with ConfigError for a config that is refused. */
export async function check({ configFile, env, stdout }: CheckContext): Promise<ExitCode> {
  const settings = await loadVettedSettings(configFile, env);
  stdout.write(row('ok', 'config', configFile));
  let failed = false;
  for (const [name, examine] of EXAMINATIONS) {
    const findings = await examine(settings).catch((error) => [fails(explain(error))]);
    for (const { verdict, text } of findings) stdout.write(row(verdict, name, text));
    failed ||= findings.some(({ verdict }) => verdict === 'FAIL');
  }
  return failed ? EXIT.failure : EXIT.ok;
}

/** One that rejects has failed. */
type Examination = (settings: Settings) => Promise<readonly Finding[]>;

const EXAMINATIONS: readonly (readonly [string, Examination])[] = [
  ['spool', examineSpool],
  ['link', examineLink],
  ['link', findingsOfDaemon],
  ['store', examineStore],
];

async function examineSpool({ spool }: Settings): Promise<readonly Finding[]> {
  const [quarantined, skipped] = await asOwnerOf(spool.path, async () => {
    const directory = await SpoolDirectory.open(spool.path);
    try {
      return [await directory.quarantinedCount(), await lookThrough(directory, spool)] as const;
    } finally {
      await directory.close();
    }
  });
  const findings = [ok(`${spool.path}: files can be created, renamed and deleted`)];
  if (process.geteuid?.() === 0 && statSync(spool.path).uid === 0) findings.push(ownedByRoot(spool.path));
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

/** Where there is the service's user, the service runs as it. */
function ownedByRoot(path: string): Finding {
  const verdict = isUser(SERVICE_USER) ? fails : warns;
  return verdict(
    `it belongs to root, and the service runs as ${SERVICE_USER}: chown ${SERVICE_USER}: ${path}`,
  );
}

async function examineStore(settings: Settings): Promise<readonly Finding[]> {
  const clock = systemClock;
  const wayOut = await wayOutOf(settings);
  const unpaced = {
    createHandler: (limits: HandlerLimits) => new PacedHandler({ ...limits, wayOut, pacer: UNPACED, clock }),
  };
  const store = new S3Store(storeOptionsOf(settings, unpaced, clock));
  try {
    const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
    await store.probe(signal);
    return findingsOf(settings.s3.bucket, await store.roundTrip(signal));
  } finally {
    store.close();
  }
}

function findingsOf(bucket: string, trip: RoundTrip): readonly Finding[] {
  const { conditions, conditionsInParts, refusals, listsUploads } = trip;
  return [
    ok(`bucket ${bucket}: an object was put whole and one in parts, both read back and compared`),
    removal(trip.leftovers),
    ok(conditionsText(conditions, conditionsInParts)),
    ...(refusals.length === 0 ? [] : [ok(`it does not take, and is sent without: ${refusals.join(', ')}`)]),
    ...(listsUploads ? [] : [warns(UNLISTED)]),
  ];
}

const UNLISTED =
  'open uploads cannot be listed: one whose name is lost in a crash stays open. Allow s3:ListBucketMultipartUploads on ' +
  'the bucket, or have a lifecycle rule abort unfinished uploads';

function removal({ objects, areVersions, fault }: RoundTrip['leftovers']): Finding {
  if (fault === undefined)
    return ok(areVersions ? 'and deleted again, each version of them' : 'and deleted again');
  const what = areVersions
    ? `${objects} versions had to be left behind, because the bucket keeps them`
    : `${objects} objects could not be deleted, which the daemon never needs to`;
  return ok(`${what}: ${fault.message}`);
}

function conditionsText(whole: ConditionSupport, inParts: ConditionSupport): string {
  const looks = 'every key is looked up before it is written';
  if (whole !== 'supported') return `the store does not honour If-None-Match: ${looks}`;
  if (inParts === 'supported') return 'If-None-Match keeps objects from being overwritten';
  return `If-None-Match keeps objects from being overwritten, but not by files in parts: there ${looks}`;
}

function row(verdict: Finding['verdict'], name: string, text: string): string {
  return `${verdict.padEnd(5)}${name.padEnd(8)}${text}\n`;
}

// `halfpipe check`: everything the daemon needs, tried out once, in a short table. Leaves nothing behind.
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { HandlerLimits } from '../sending/messages.ts';
import { PacedHandler } from '../sending/paced-handler.ts';
import { storeOptionsOf, wayOutOf } from '../settings-of.ts';
import { clockBehind } from '../store/clock-verdict.ts';
import type { ConditionSupport } from '../store/dialect.ts';
import { endpointOf } from '../store/endpoint.ts';
import type { RoundTrip } from '../store/round-trip.ts';
import { S3Store } from '../store/s3-store.ts';
import { systemClock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { builtMs } from '../system/surroundings.ts';
import { findingsOfDaemon } from './daemon-findings.ts';
import { examineLink } from './examine-link.ts';
import { examineSpool } from './examine-spool.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Finding, fails, ok, warns } from './finding.ts';
import { loadVettedSettings } from './vetted-settings.ts';

export interface CheckContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  /** Variables of the shell that the service does not have. */
  readonly dropped?: readonly string[];
}

const STORE_TIMEOUT_MS = 30_000;
/** Nothing is paced here: a handful of small requests. */
const UNPACED = { sliceBytes: () => 16_384, admit: () => Promise.resolve() };

/** 0 when everything works, 1 otherwise. Rejects with ConfigError for a config that is refused. */
export async function check({ configFile, env, stdout, dropped = [] }: CheckContext): Promise<ExitCode> {
  const settings = await loadVettedSettings(configFile, env);
  stdout.write(row('ok', 'config', configFile));
  for (const { text } of shellFindings(dropped)) stdout.write(row('WARN', 'env', text));
  for (const { text } of clockFindings()) stdout.write(row('WARN', 'clock', text));
  let failed = false;
  const told = new Set<string>();
  for (const [name, examine] of EXAMINATIONS) {
    const findings = await examine(settings).catch((error) => [fails(explain(error))]);
    for (const { verdict, text } of findings) {
      // What two of them stumble over is said once.
      if (!told.has(text)) stdout.write(row(verdict, name, text));
      told.add(text);
    }
    failed ||= findings.some(({ verdict }) => verdict === 'FAIL');
  }
  return failed ? EXIT.failure : EXIT.ok;
}

/** One that rejects has failed. */
type Examination = (settings: Settings) => Promise<readonly Finding[]>;

const EXAMINATIONS: readonly (readonly [string, Examination])[] = [
  ['spool', examineSpool],
  ['store', examineEndpoint],
  ['link', examineLink],
  ['link', findingsOfDaemon],
  ['store', examineStore],
];

function shellFindings(dropped: readonly string[]): readonly Finding[] {
  if (dropped.length === 0) return [];
  return [warns(`not used, because they are this shell's and not the service's: ${dropped.join(', ')}`)];
}

function clockFindings(): readonly Finding[] {
  const behind = clockBehind({ wallMs: systemClock.wallMs(), builtMs: builtMs() });
  return behind === undefined ? [] : [warns(behind)];
}

/** That there is a host to send to, which the link needs to know, too. */
async function examineEndpoint({ s3 }: Settings): Promise<readonly Finding[]> {
  await endpointOf(s3);
  return [];
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

// `halfpipe check`: tries out everything that the daemon needs, once, and prints a short table.
// Leaves nothing behind, if the store allows it.
import type { Writable } from 'node:stream';
import { filesText } from '../config/drop-ins.ts';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { clockBehind } from '../store/s3/clock-verdict.ts';
import { endpointOf } from '../store/s3/endpoint.ts';
import { systemClock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { redactorOf } from '../system/redact.ts';
import { builtAtMs } from '../system/surroundings.ts';
import { findingsOfDaemon } from './daemon-findings.ts';
import { examineIngest } from './examine-ingest.ts';
import { examineLink } from './examine-link.ts';
import { examineManifest } from './examine-manifest.ts';
import { examineObserve } from './examine-observe.ts';
import { examineSpool } from './examine-spool.ts';
import { examineStore } from './examine-store.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Finding, fails, ok, row, warns } from './finding.ts';
import { loadAsService } from './vetted-settings.ts';

export interface CheckContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  /** Variables of the shell that the service does not have. */
  readonly dropped?: readonly string[];
}

/**
 * Resolves with 0 if everything works, else with 1. Rejects with ConfigError for a refused config.
 */
export async function check({ configFile, env, stdout, dropped = [] }: CheckContext): Promise<ExitCode> {
  const { settings, files } = await loadAsService(configFile, env);
  const redact = redactorOf(env);
  const print = (name: string, { verdict, text }: Finding) =>
    stdout.write(row(name, { verdict, text: redact(text) }));
  print('config', ok(filesText(files)));
  for (const finding of shellFindings(dropped)) print('env', finding);
  for (const finding of clockFindings()) print('clock', finding);
  let failed = false;
  const told = new Set<string>();
  for (const [name, examine] of EXAMINATIONS) {
    const say = (finding: Finding) => {
      // A problem that two examinations find is printed once.
      if (!told.has(finding.text)) print(name, finding);
      told.add(finding.text);
    };
    const findings = await examine(settings, say).catch((error) => [fails(explain(error))]);
    findings.forEach(say);
    failed ||= findings.some(({ verdict }) => verdict === 'FAIL');
  }
  return failed ? EXIT.failure : EXIT.ok;
}

/** A rejected examination counts as failed. `say` prints a finding before the end. */
type Examination = (settings: Settings, say: (finding: Finding) => void) => Promise<readonly Finding[]>;

const EXAMINATIONS: readonly (readonly [string, Examination])[] = [
  ['spool', examineSpool],
  ['manifest', examineManifest],
  ['observe', examineObserve],
  ['ingest', examineIngest],
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
  const behind = clockBehind({ wallMs: systemClock.wallMs(), builtAtMs: builtAtMs() });
  return behind === undefined ? [] : [warns(behind)];
}

/** Finds out whether there is a host to send to. The link needs to know that as well. */
async function examineEndpoint({ s3 }: Settings): Promise<readonly Finding[]> {
  await endpointOf(s3);
  return [];
}

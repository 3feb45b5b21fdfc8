// `halfpipe check`: everything the daemon needs, tried out once, in a short table. Leaves nothing behind.
import { statSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { type Environment, loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { formatPercent } from '../config/units.ts';
import { Uplink } from '../link/uplink.ts';
import { limitsOf, storeOptionsOf, uplinkOptionsOf } from '../settings-of.ts';
import { SpoolDirectory } from '../spool/spool-directory.ts';
import { S3Store } from '../store/s3-store.ts';
import { systemClock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { readableRate } from '../view/readable.ts';
import { asOwnerOf } from './as-owner.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface CheckContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
}

const STORE_TIMEOUT_MS = 30_000;
/** Nothing is paced here: a handful of small requests. */
const UNPACED = { sliceBytes: () => 16_384, admit: () => Promise.resolve() };

const SILENT = { onChange: () => undefined, onMeasurable: () => undefined };

/** 0 when everything works, 1 otherwise. Rejects with ConfigError for a config that is refused. */
export async function check({ configFile, env, stdout }: CheckContext): Promise<ExitCode> {
  const settings = await loadSettings(configFile, env);
  stdout.write(row('ok', 'config', configFile));
  let failed = false;
  for (const [name, examine] of EXAMINATIONS) {
    try {
      for (const line of await examine(settings)) stdout.write(row('ok', name, line));
    } catch (error) {
      failed = true;
      stdout.write(row('FAIL', name, explain(error)));
    }
  }
  return failed ? EXIT.failure : EXIT.ok;
}

type Examination = (settings: Settings) => Promise<readonly string[]>;

const EXAMINATIONS: readonly (readonly [string, Examination])[] = [
  ['spool', examineSpool],
  ['link', examineLink],
  ['store', examineStore],
];

async function examineSpool({ spool }: Settings): Promise<readonly string[]> {
  const quarantined = await asOwnerOf(spool.path, async () => {
    const directory = await SpoolDirectory.open(spool.path);
    try {
      return await directory.quarantinedCount();
    } finally {
      await directory.close();
    }
  });
  const lines = [`${spool.path}: files can be created, renamed and deleted`];
  if (process.geteuid?.() === 0 && statSync(spool.path).uid === 0)
    lines.push('but it belongs to root: the service, which runs as halfpipe, must own it');
  if (quarantined > 0) lines.push(`${quarantined} files in quarantine wait for a human`);
  return lines;
}

async function examineLink(settings: Settings): Promise<readonly string[]> {
  const { interface: wanted } = settings.link;
  const uplink = new Uplink(systemClock, await uplinkOptionsOf(settings), SILENT);
  const { name, capacityBitsPerSec, capacityFrom } = await uplink.start();
  uplink.stop();
  const { targetBytesPerSec, floorBytesPerSec } = limitsOf(settings, capacityBitsPerSec);
  const why = wanted === 'auto' ? 'it carries the route to the endpoint' : 'link.interface names it';
  const capacityWhy = capacityFrom === 'driver' ? 'its driver says so' : 'link.capacity says so';
  return [
    `interface ${name}: ${why}`,
    `capacity ${readableRate(capacityBitsPerSec)}: ${capacityWhy}`,
    `target ${readableRate(targetBytesPerSec * 8)} (${formatPercent(settings.link.share)}), floor ${readableRate(floorBytesPerSec * 8)}`,
  ];
}

async function examineStore(settings: Settings): Promise<readonly string[]> {
  const store = new S3Store(storeOptionsOf(settings, UNPACED, systemClock));
  try {
    const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
    await store.probe(signal);
    const { conditions, deleteFault } = await store.roundTrip(signal);
    return [
      `bucket ${settings.s3.bucket}: an object was put, read back and compared`,
      deleteFault === undefined
        ? 'and deleted again'
        : `it could not be deleted, which the daemon never needs to: ${deleteFault.message}`,
      conditions === 'supported'
        ? 'If-None-Match keeps objects from being overwritten'
        : 'the store does not honour If-None-Match: every key is looked up before it is written',
    ];
  } finally {
    store.close();
  }
}

function row(verdict: 'ok' | 'FAIL', name: string, text: string): string {
  return `${verdict.padEnd(5)}${name.padEnd(8)}${text}\n`;
}

function explain(error: unknown): string {
  if (error instanceof Fault)
    return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

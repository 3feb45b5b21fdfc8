// The daemon's settings in a simulated world: the defaults, and what a world decides.
import { optionByKey } from '../../src/config/schema.ts';
import type { Settings } from '../../src/config/settings.ts';
import { toSettings } from '../../src/config/to-settings.ts';
import { SIM_PART_BYTES } from './sim-store-client.ts';

export const SETTLE_MS = 1_000;
const UPLOADS_AT_ONCE = 3;
const STOP_TIMEOUT_MS = 3_000;

export interface SimSettings {
  readonly conflict: 'keep-both' | 'skip' | 'overwrite';
  readonly settleMs: number;
  readonly order: 'oldest-first' | 'newest-first' | 'smallest-first' | 'name';
  readonly prunes: boolean;
  /** Whether the kernel tells of open writers. */
  readonly tellsWriters: boolean;
  readonly keepsManifest: boolean;
  /** Undefined: none are made. */
  readonly packets: Settings['packets'] | undefined;
  /** What all keys begin with. */
  readonly prefix: string;
}

export const DEFAULTS = toSettings((key) => (key === 's3.bucket' ? 'bucket' : optionByKey.get(key)?.default));

export function settingsOf(
  { conflict, settleMs, order, prunes, keepsManifest, packets, prefix }: SimSettings,
  path: string,
  manifestPath: string,
): Settings {
  const { spool, s3, upload, retry, manifest } = DEFAULTS;
  const ignore = ['.*', '*.tmp'];
  return {
    ...DEFAULTS,
    spool: { ...spool, path, settleMs, order, ignore, rescanMs: 15_000, pruneEmptyDirs: prunes },
    s3: { ...s3, prefix, conflict, forcePathStyle: true, partSizeBytes: SIM_PART_BYTES },
    upload: {
      ...upload,
      concurrency: UPLOADS_AT_ONCE,
      maxConcurrency: UPLOADS_AT_ONCE,
      maxMemoryBytes: 20_000,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    },
    packets: packets ?? DEFAULTS.packets,
    // A few lines fill a file. None is deleted before the end.
    manifest: { ...manifest, path: keepsManifest ? manifestPath : undefined, maxSizeBytes: 1_500 },
    retry: { ...retry, initialMs: 500, maxMs: 10_000, maxAttempts: 6, probeMs: 1_000 },
  };
}

// Finds out what a reload changed, for its log line. Key names only: values may be private.
import { isDeepStrictEqual } from 'node:util';
import { optionByKey } from './schema.ts';
import type { Settings } from './settings.ts';

export interface ChangedKey {
  /** The key as in the file: `spool.settle`. */
  readonly key: string;
  /** False if the change takes effect only after a restart. */
  readonly live: boolean;
}

/** The changed keys in the order of Settings; empty if nothing differs. */
export function changedKeys(before: Settings, after: Settings): readonly ChangedKey[] {
  const earlier = new Map(namedValues(before));
  return namedValues(after)
    .filter(([key, value]) => !isDeepStrictEqual(earlier.get(key), value))
    .map(([key]) => ({ key, live: optionByKey.get(key)?.live ?? false }));
}

/**
 * Settings carry their units in their names, the file in its values: `spool.settleMs` is
 * `spool.settle`.
 */
export function namedValues(settings: Settings): readonly (readonly [key: string, value: unknown])[] {
  // These come only from the environment and stay the same for the life of the process.
  const { proxies, service, ...sections } = settings;
  return Object.entries(sections).flatMap(([section, values]) =>
    Object.entries(values).map(
      ([name, value]) => [`${section}.${name.replace(/(Ms|Bytes|BitsPerSec)$/, '')}`, value] as const,
    ),
  );
}

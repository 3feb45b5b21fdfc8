// Finds out what a reload changed, for its log lines. Key names only: values may be private.
import { isDeepStrictEqual } from 'node:util';
import { optionByKey } from './schema.ts';
import type { Settings } from './settings.ts';

export interface ChangedKey {
  /** The key as in the file: `spool.settle`. */
  readonly key: string;
  /** False if the change takes effect only after a restart. */
  readonly live: boolean;
  /** Where its new value stands, as in ShownOption; undefined if that was not said. */
  readonly origin: string | undefined;
}

/**
 * The changed keys in the order of Settings; empty if nothing differs. `origins` are those of
 * `after`.
 */
export function changedKeys(
  before: Settings,
  after: Settings,
  origins: ReadonlyMap<string, string> = new Map(),
): readonly ChangedKey[] {
  const earlier = new Map(namedValues(before));
  return namedValues(after)
    .filter(([key, value]) => !isDeepStrictEqual(earlier.get(key), value))
    .map(([key]) => ({ key, live: optionByKey.get(key)?.live ?? false, origin: origins.get(key) }));
}

/** What a reload reads for the first time or no longer, as a sentence; undefined for nothing. */
export function changedFiles(before: readonly string[], after: readonly string[]): string | undefined {
  const told = [
    ...after.filter((file) => !before.includes(file)).map((file) => `${file} is read from now on`),
    ...before.filter((file) => !after.includes(file)).map((file) => `${file} is gone`),
  ];
  return told.length === 0 ? undefined : told.join(', ');
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

// The options in force, for people: each value as in a config file, and where it comes from.
// What is sensitive is hidden.
import type { EffectiveOption } from './load.ts';
import { isRequired, yaml } from './manual.ts';

export interface ShownOption {
  /** The key as in the file: `spool.settle`. */
  readonly key: string;
  /** Written as in a config file; empty if it is not set. */
  readonly value: string;
  /** The place, as EffectiveOption has it, or `default`, `required` or `not set`. */
  readonly origin: string;
}

const HIDDEN = '[hidden]';

export function shownOptions(options: readonly EffectiveOption[]): readonly ShownOption[] {
  return options.map((effective) => ({
    key: effective.option.key,
    value: effective.value === null ? '' : yaml(shownValue(effective)),
    origin: originOf(effective),
  }));
}

/** The origin of each key. */
export function originsOf(options: readonly EffectiveOption[]): ReadonlyMap<string, string> {
  return new Map(options.map((effective) => [effective.option.key, originOf(effective)]));
}

/** `after`, but what changes only with a restart is as in `before`. */
export function inForceAfterReload(
  before: readonly EffectiveOption[],
  after: readonly EffectiveOption[],
): readonly EffectiveOption[] {
  const earlier = new Map(before.map((effective) => [effective.option.key, effective]));
  return after.map((effective) =>
    effective.option.live ? effective : (earlier.get(effective.option.key) ?? effective),
  );
}

function originOf({ option, place, value }: EffectiveOption): string {
  if (place !== undefined) return place;
  if (value !== null) return 'default';
  return isRequired(option) ? 'required' : 'not set';
}

export function shownValue({ option, value, place }: EffectiveOption): unknown {
  return option.sensitive === true && place !== undefined ? HIDDEN : value;
}

// One option of the config: its name, what it accepts, its default and its meaning. Options are
// convict schema entries, so convict fills in the defaults and the environment.
import convict from 'convict';
import type { Format } from './formats.ts';

export interface OptionDraft<T> {
  /** One or two sentences for operators. */
  readonly doc: string;
  readonly accepts: Format<T>;
  /** Written as in the file. Null means not set. */
  readonly default: unknown;
  /** False if a change takes effect only after a restart [true]. */
  readonly live?: boolean;
  /** True if the option may be left out; its value is then undefined. */
  readonly nullable?: boolean;
  /** True if its value must never be shown. */
  readonly sensitive?: boolean;
  /** A useful value to show beside the default, as written in YAML. */
  readonly example?: string;
}

export interface Option<T> extends OptionDraft<T> {
  /** The key as in the file: `spool.settle`. */
  readonly key: string;
  /** The environment variable: `HALFPIPE_SPOOL_SETTLE`. */
  readonly env: string;
  readonly live: boolean;
  /** The name under which convict knows `accepts`. */
  readonly format: string;
}

type Drafts = Readonly<Record<string, Readonly<Record<string, OptionDraft<unknown>>>>>;
type Named<D extends Drafts> = {
  readonly [S in keyof D]: {
    readonly [K in keyof D[S]]: D[S][K] extends OptionDraft<infer T> ? Option<T> : never;
  };
};

/**
 * Gives each option the names that follow from its place, and registers its format with convict.
 */
export function nameOptions<D extends Drafts>(drafts: D): Named<D> {
  const sections = Object.entries(drafts).map(([section, options]) => [
    section,
    Object.fromEntries(
      Object.entries(options).map(([name, draft]) => [name, nameOption(`${section}.${name}`, draft)]),
    ),
  ]);
  return Object.fromEntries(sections);
}

function nameOption<T>(key: string, draft: OptionDraft<T>): Option<T> {
  // Each option has its own named format. With a bare function, convict guesses a type from the
  // default, and turns "12abc" into 12 and "no" into true.
  convict.addFormat({ name: key, validate: (value: unknown) => void draft.accepts(value) });
  return { live: true, ...draft, key, env: environmentName(key), format: key };
}

/** `spool.pruneEmptyDirs` becomes `HALFPIPE_SPOOL_PRUNE_EMPTY_DIRS`. */
function environmentName(key: string): string {
  const words = key.replace('.', '_').replace(/[A-Z]/g, (letter) => `_${letter}`);
  return `HALFPIPE_${words.toUpperCase()}`;
}

// One option of the config: what it is called, what it accepts, what it is without being set, what
// it means. Options are convict schema entries, so convict fills in the defaults and the
// environment.
import convict from 'convict';
import type { Format } from './formats.ts';

export interface OptionDraft<T> {
  /** For operators: one or two sentences. */
  readonly doc: string;
  readonly accepts: Format<T>;
  /** In people's units. Null: not set. */
  readonly default: unknown;
  /** False when a change takes effect only after a restart. Default: true. */
  readonly live?: boolean;
  /** May be left out altogether; then its value is undefined. */
  readonly nullable?: boolean;
  /** Its value is never shown. */
  readonly sensitive?: boolean;
  /** A value worth showing beside the default, as it is typed in YAML. */
  readonly example?: string;
}

export interface Option<T> extends OptionDraft<T> {
  /** As in the file: `spool.settle`. */
  readonly key: string;
  /** Its environment variable: `HALFPIPE_SPOOL_SETTLE`. */
  readonly env: string;
  readonly live: boolean;
  /** The name convict knows `accepts` by. */
  readonly format: string;
}

type Drafts = Readonly<Record<string, Readonly<Record<string, OptionDraft<unknown>>>>>;
type Named<D extends Drafts> = {
  readonly [S in keyof D]: {
    readonly [K in keyof D[S]]: D[S][K] extends OptionDraft<infer T> ? Option<T> : never;
  };
};

/**
 * Gives each option the names that follow from its place, and makes its format known to convict.
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
  // A format with a name of its own: with a bare function convict guesses a type from the default
  // and makes 12 of "12abc" and true of "no".
  convict.addFormat({ name: key, validate: (value: unknown) => void draft.accepts(value) });
  return { live: true, ...draft, key, env: environmentName(key), format: key };
}

/** `spool.pruneEmptyDirs` → `HALFPIPE_SPOOL_PRUNE_EMPTY_DIRS`. */
function environmentName(key: string): string {
  const words = key.replace('.', '_').replace(/[A-Z]/g, (letter) => `_${letter}`);
  return `HALFPIPE_${words.toUpperCase()}`;
}

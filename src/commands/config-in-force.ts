// Holds the config of the running daemon: its files, and where each setting comes from.
import { changedFiles } from '../config/changes.ts';
import type { EffectiveOption, LoadedConfig } from '../config/load.ts';
import { inForceAfterReload, type ShownOption, shownOptions } from '../config/shown-options.ts';

/** Follows the reloads that were accepted. */
export class ConfigInForce {
  #files: readonly string[];
  #options: readonly EffectiveOption[];
  #shown: readonly ShownOption[] | undefined;

  constructor({ files, options }: LoadedConfig) {
    this.#files = files;
    this.#options = options;
  }

  /** The config file first, then its drop-ins. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** Rendered when it is asked for, and kept until the next reload. */
  shownOptions(): readonly ShownOption[] {
    this.#shown ??= shownOptions(this.#options);
    return this.#shown;
  }

  /** Returns what became of the files, as a sentence; undefined if they are the same. */
  replace({ files, options }: LoadedConfig): string | undefined {
    const change = changedFiles(this.#files, files);
    this.#files = files;
    this.#options = inForceAfterReload(this.#options, options);
    this.#shown = undefined;
    return change;
  }
}

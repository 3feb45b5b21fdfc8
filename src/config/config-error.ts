// The error for a refused configuration or an unsuitable Node.js.

/**
 * Nothing of the refused configuration takes effect: a start ends with exit code 78 (EX_CONFIG),
 * and a reload keeps the old settings.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /**
   * Everything that is wrong, one line each: place, key, value, and what to write instead. Never
   * empty.
   */
  readonly problems: readonly [string, ...string[]];

  /** The message is one line: the first problem, and how many more there are. */
  constructor(problems: readonly [string, ...string[]], cause?: unknown) {
    const more = problems.length - 1;
    super(
      more === 0 ? problems[0] : `${problems[0]} (and ${more} more ${more === 1 ? 'problem' : 'problems'})`,
      cause === undefined ? undefined : { cause },
    );
    this.problems = problems;
  }
}

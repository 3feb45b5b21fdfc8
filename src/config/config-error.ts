// A configuration that is refused, or a Node.js. Nothing of it takes effect: a start ends with exit
// code 78 (EX_CONFIG), a reload keeps the settings it had.

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /**
   * Everything that is wrong, one line each: place, key, value, what to type instead. Never empty.
   */
  readonly problems: readonly string[];

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

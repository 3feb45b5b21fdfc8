// Decides by glob patterns which names are left alone: the temporary files of producers.

import { type GlobToken, globSource, globTokens } from './glob.ts';
import { GlobAutomaton } from './glob-automaton.ts';

// A regular expression tries all places for each `*`. Two of them take at most the square of the
// name's 255 bytes, about 0.1 ms. Five took 52 s, for a name that a producer could choose. A path
// may have 4,096 bytes.
const STARS_MAX = { segment: 2, path: 1 } as const;

type Matches = (text: string) => boolean;

/** The ignore patterns of the configuration, compiled. Stateless. */
export class IgnoreRules {
  readonly patterns: readonly string[];
  readonly #segments: readonly Matches[];
  readonly #paths: readonly Matches[];

  /**
   * A pattern without `/` is matched against each segment of a path, a pattern with `/` against the
   * whole path.
   */
  constructor(patterns: readonly string[]) {
    this.patterns = patterns;
    const isPath = (pattern: string) => pattern.includes('/');
    this.#segments = matchers(
      patterns.filter((pattern) => !isPath(pattern)),
      STARS_MAX.segment,
    );
    this.#paths = matchers(patterns.filter(isPath), STARS_MAX.path);
  }

  /**
   * True if the name is to be ignored. `name` is the last segment of `path`. Ask about the earlier
   * segments first.
   */
  ignores(name: Buffer, path: Buffer): boolean {
    if (this.#segments.length > 0 && anyOf(this.#segments, name.toString('utf8'))) return true;
    return this.#paths.length > 0 && anyOf(this.#paths, path.toString('utf8'));
  }
}

function anyOf(matchers: readonly Matches[], text: string): boolean {
  return matchers.some((matches) => matches(text));
}

/**
 * Makes one regular expression for all patterns that it matches fast, and an automaton for each
 * other pattern.
 */
function matchers(patterns: readonly string[], starsMax: number): readonly Matches[] {
  const fast: string[] = [];
  const found: Matches[] = [];
  for (const tokens of patterns.map(globTokens)) {
    if (starsIn(tokens) <= starsMax) fast.push(globSource(tokens));
    else {
      const automaton = new GlobAutomaton(tokens);
      found.push((text) => automaton.matches(text));
    }
  }
  if (fast.length === 0) return found;
  // Flag `s`: a name may contain a newline.
  const expression = new RegExp(`^(?:${fast.join('|')})$`, 'su');
  return [(text) => expression.test(text), ...found];
}

function starsIn(tokens: readonly GlobToken[]): number {
  return tokens.filter(({ kind }) => kind === 'star' || kind === 'any text' || kind === 'any folders').length;
}

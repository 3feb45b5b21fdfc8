// Which names are left alone: temporary files of producers, by glob pattern. A pure function of the
// name.

import { type GlobToken, globSource, globTokens } from './glob.ts';
import { GlobAutomaton } from './glob-automaton.ts';

// An expression tries the places of each `*` in turn: with two of them that is at most the square
// of the name's 255 bytes, about 0.1 ms. With five it was 52 s, for a name that a producer may
// choose. A path may have 4,096 bytes.
const STARS_MAX = { segment: 2, path: 1 } as const;

type Matches = (text: string) => boolean;

export class IgnoreRules {
  readonly #segments: readonly Matches[];
  readonly #paths: readonly Matches[];

  /**
   * A pattern without `/` is matched against every segment of a path, one with `/` against the
   * whole.
   */
  constructor(patterns: readonly string[]) {
    const isPath = (pattern: string) => pattern.includes('/');
    this.#segments = matchers(
      patterns.filter((pattern) => !isPath(pattern)),
      STARS_MAX.segment,
    );
    this.#paths = matchers(patterns.filter(isPath), STARS_MAX.path);
  }

  /** `name` is the last segment of `path`, whose earlier segments have been asked about before. */
  ignores(name: Buffer, path: Buffer): boolean {
    if (this.#segments.length > 0 && anyOf(this.#segments, name.toString('utf8'))) return true;
    return this.#paths.length > 0 && anyOf(this.#paths, path.toString('utf8'));
  }
}

function anyOf(matchers: readonly Matches[], text: string): boolean {
  return matchers.some((matches) => matches(text));
}

/** One expression for all patterns that it takes fast, and an automaton for each of the others. */
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
  // s: a newline is a character of a name, too.
  const expression = new RegExp(`^(?:${fast.join('|')})$`, 'su');
  return [(text) => expression.test(text), ...found];
}

function starsIn(tokens: readonly GlobToken[]): number {
  return tokens.filter(({ kind }) => kind === 'star' || kind === 'any text' || kind === 'any folders').length;
}

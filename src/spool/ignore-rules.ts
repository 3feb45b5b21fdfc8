// Which names are none of our business: temporary files of producers, by glob pattern. Pure.
// `*` and `?` stop at `/`, `**` does not; `[a-z]`, `[!a-z]` and `{a,b}` mean what they mean in a shell.
// A name's leading dot is a character like any other.

const LITERAL = /[\\^$.*+?()[\]{}|/]/g;

export class IgnoreRules {
  readonly #segments: RegExp | undefined;
  readonly #paths: RegExp | undefined;

  /** A pattern without `/` is matched against every segment of a path, one with `/` against the whole. */
  constructor(patterns: readonly string[]) {
    this.#segments = anyOf(patterns.filter((pattern) => !pattern.includes('/')));
    this.#paths = anyOf(patterns.filter((pattern) => pattern.includes('/')));
  }

  /** `name` is the last segment of `path`, whose earlier segments have been asked about before. */
  ignores(name: Buffer, path: Buffer): boolean {
    if (this.#segments?.test(name.toString('utf8'))) return true;
    return this.#paths?.test(path.toString('utf8')) ?? false;
  }
}

function anyOf(patterns: readonly string[]): RegExp | undefined {
  if (patterns.length === 0) return undefined;
  // s: a newline is a character of a name too.
  return new RegExp(`^(?:${patterns.map(globSource).join('|')})$`, 'su');
}

/** The body of a regular expression that matches what `glob` matches. Unclosed brackets and braces are literal. */
function globSource(glob: string): string {
  let source = '';
  let braces = 0;
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at);
    const [token = ''] = /^(?:\*\*\/|\*\*|\[[!^]?\]?[^\]/]*\]|\\.|.)/su.exec(rest) ?? [];
    at += token.length;
    if (token === '**/') source += '(?:.*/)?';
    else if (token === '**') source += '.*';
    else if (token === '*') source += '[^/]*';
    else if (token === '?') source += '[^/]';
    else if (token.length > 1 && token.startsWith('[')) source += classSource(token);
    else if (token === '{' && glob.indexOf('}', at) !== -1 && braces === 0) {
      braces++;
      source += '(?:';
    } else if (token === ',' && braces > 0) source += '|';
    else if (token === '}' && braces > 0) {
      braces--;
      source += ')';
    } else source += literal(token.startsWith('\\') && token.length > 1 ? token.slice(1) : token);
  }
  return source;
}

/** `[!a-c]` → `[^a-c]`; a range that runs backwards is taken literally. */
function classSource(token: string): string {
  const negated = token[1] === '!' || token[1] === '^';
  const members = token.slice(negated ? 2 : 1, -1).replace(/[\\\][^]/g, '\\$&');
  try {
    // Set notation characters need no escape in this mode; the constructor is the judge of the ranges.
    const source = negated ? `(?!/)[^${members}]` : `[${members}]`;
    new RegExp(source, 'su');
    return source;
  } catch {
    return literal(token);
  }
}

function literal(text: string): string {
  return text.replace(LITERAL, '\\$&');
}

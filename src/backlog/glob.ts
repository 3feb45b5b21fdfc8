// Splits a glob pattern into tokens. `*` and `?` stop at `/`, `**` does not. `[a-z]`, `[!a-z]` and
// `{a,b}` work as in a shell. A leading dot is a normal character. Unclosed brackets and braces are
// literal.

export type GlobToken =
  /** One character. `source` is its regular expression. */
  | { readonly kind: 'character'; readonly source: string }
  /** `*` */
  | { readonly kind: 'star' }
  /** `**` */
  | { readonly kind: 'any text' }
  /** `**` followed by `/`: any number of folders. */
  | { readonly kind: 'any folders' }
  | { readonly kind: 'open' | 'or' | 'close' };

const LITERAL = /[\\^$.*+?()[\]{}|/]/g;

/** Splits `glob` into tokens. Never throws: what is not valid syntax is literal text. */
export function globTokens(glob: string): readonly GlobToken[] {
  const tokens: GlobToken[] = [];
  let opened: number | undefined;
  for (let at = 0; at < glob.length; ) {
    const [text = ''] = /^(?:\*\*\/|\*\*|\[[!^]?\]?[^\]/]*\]|\\.|.)/su.exec(glob.slice(at)) ?? [];
    at += text.length;
    if (text === '**/') tokens.push({ kind: 'any folders' });
    else if (text === '**') tokens.push({ kind: 'any text' });
    else if (text === '*') tokens.push({ kind: 'star' });
    else if (text === '?') tokens.push({ kind: 'character', source: '[^/]' });
    else if (text.length > 1 && text.startsWith('[')) tokens.push(...classTokens(text));
    else if (text === '{' && opened === undefined) opened = tokens.push({ kind: 'open' }) - 1;
    else if (text === ',' && opened !== undefined) tokens.push({ kind: 'or' });
    else if (text === '}' && opened !== undefined) {
      opened = undefined;
      tokens.push({ kind: 'close' });
    } else tokens.push(...literal(text.startsWith('\\') && text.length > 1 ? text.slice(1) : text));
  }
  return opened === undefined
    ? tokens
    : [...tokens.slice(0, opened), ...tokens.slice(opened).flatMap(unbraced)];
}

/** Braces that were never closed are literal characters. */
function unbraced(token: GlobToken): readonly GlobToken[] {
  if (token.kind === 'open') return literal('{');
  return token.kind === 'or' ? literal(',') : [token];
}

/** The body of a regular expression that matches the same names as the glob. */
export function globSource(tokens: readonly GlobToken[]): string {
  return tokens.map((token) => (token.kind === 'character' ? token.source : SOURCES[token.kind])).join('');
}

const SOURCES: Readonly<Record<Exclude<GlobToken['kind'], 'character'>, string>> = {
  star: '[^/]*',
  'any text': '.*',
  'any folders': '(?:.*/)?',
  open: '(?:',
  or: '|',
  close: ')',
};

/** `[!a-c]` becomes `[^a-c]`. A range that runs backwards is taken literally. */
function classTokens(text: string): readonly GlobToken[] {
  const negated = text[1] === '!' || text[1] === '^';
  const members = text.slice(negated ? 2 : 1, -1).replace(/[\\\][^]/g, '\\$&');
  const source = negated ? `(?!/)[^${members}]` : `[${members}]`;
  try {
    // In this mode, the characters of set notation need no escape. The constructor rejects bad
    // ranges.
    new RegExp(source, 'su');
    return [{ kind: 'character', source }];
  } catch {
    return literal(text);
  }
}

function literal(text: string): readonly GlobToken[] {
  return [...text].map((char) => ({ kind: 'character', source: char.replace(LITERAL, '\\$&') }));
}

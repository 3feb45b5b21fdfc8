// Parses text into a YAML document, or into line, column and reason of everything that is wrong.
// Refuses what YAML silently accepts: unknown tags, several documents, aliases.
import { type Document, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { ConfigError } from './config-error.ts';

export interface YamlText {
  readonly document: Document;
  /** The line of an offset in the text, counted from 1. */
  lineAt(offset: number): number;
}

/** Throws ConfigError. `file` is for its messages. JSON is YAML. */
export function parseYaml(file: string, text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  const slips = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    message: explain(error, text),
  }));
  const [first, ...others] = [...slips, ...findAliases(document)].map(({ offset, message }) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}: ${message}`;
  });
  if (first !== undefined) throw new ConfigError([first, ...others]);
  return { document, lineAt: (offset) => lines.linePos(offset).line };
}

/** YAML's own message, or a better one for the usual mistakes of operators. */
function explain({ code, message, pos }: YAMLError, text: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return `key ${/^[^\s:]*/.exec(text.slice(pos[0]))?.[0]} is here a second time: remove one of the two`;
    case 'TAB_AS_INDENT':
      return 'tabs cannot indent in YAML: use spaces';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'indent the lines of a section alike, and put a value that contains ": " in quotes';
    case 'MULTIPLE_DOCS':
      return 'only one document is allowed: remove the --- line';
    case 'TAG_RESOLVE_FAILED':
      return `tags such as ${/^\S*/.exec(text.slice(pos[0]))?.[0]} are not accepted: remove it`;
    default:
      return message.replace(/\s+/g, ' ');
  }
}

/**
 * `*.tmp` without quotes is YAML for "the value named .tmp". This config never needs such names.
 */
function findAliases(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Alias(_, alias) {
      const message = `a value that begins with * needs quotes: type '*${alias.source}'`;
      found.push({ offset: alias.range?.[0] ?? 0, message });
    },
  });
  return found;
}

// Renders the schema for people: the commented config file, and the table of config/README.md. A
// test keeps both equal to the rendered text.
import { stringify } from 'yaml';
import type { Option } from './option.ts';
import { schema } from './schema.ts';

export const SECTION_TITLES: Readonly<Record<keyof typeof schema, string>> = {
  spool: 'The folder to drain',
  link: 'The network link, and the share of it that uploads may use',
  s3: "Where files are uploaded to. Credentials are never set here: they come from the AWS SDK's own chain",
  upload: 'How uploads are made',
  packets: 'Small files together in one object. Off unless packets.enabled is true',
  retry: 'What happens after a failure',
  observe: 'Metrics, status and a page over HTTP. Off unless observe.listen is set',
  manifest: 'A lasting record of what went up',
  ingest: 'Files over HTTP, into the spool. Off unless ingest.listen is set',
  log: 'What is logged',
};

const WIDTH = 100;

const INTRODUCTION = `Configuration of halfpipe. Every key stands at its default; only s3.bucket must be set.
Rates: 100 Mbit/s, 256 kbit/s, 12.5 MB/s. Sizes: 8 MiB, 500 kB. Durations: 500 ms, 2 s, 5 min, 1 h, 1 d. Shares: 50 %.
Each key can be overridden by the environment variable named beside it, where lists are a,b and maps name=value,name=value.
After halfpipe.yaml, the files conf.d/*.yaml beside it are read in the order of their names, and the last one that sets a key wins.
After a change: systemctl reload halfpipe. Keys marked "restart" need systemctl restart halfpipe.`;

/** A config file that sets every option to its default. Only the required options are missing. */
export function renderConfigFile(): string {
  const sections = Object.entries(schema).map(([section, options]) => {
    const title = `# ${SECTION_TITLES[section as keyof typeof schema]}.`;
    const entries = optionsOf(options).map(
      ([name, option]) => `\n${comment(option)}  ${setting(name, option)}\n`,
    );
    return `${title}\n${section}:${entries.join('')}`;
  });
  return `${INTRODUCTION.split('\n')
    .flatMap((line) => wrap(line, '# '))
    .join('\n')}\n\n${sections.join('\n')}`;
}

/** A Markdown table with a row for each option. */
export function renderTable(): string {
  const rows = Object.values(schema)
    .flatMap((options) => optionsOf(options))
    .map(([, option]) => [
      code(option.key),
      isRequired(option) ? '**required**' : option.default === null ? 'not set' : code(yaml(option.default)),
      option.example === undefined ? option.doc : `${option.doc} Example: ${code(option.example)}`,
      option.live ? 'reload' : 'restart',
      code(option.env),
    ]);
  return [['Key', 'Default', 'Meaning', 'After a change', 'Environment'], Array(5).fill('---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
}

function comment(option: Option<unknown>): string {
  const example = option.example === undefined ? [] : [`  # Example: ${option.example}`];
  const marks = [isRequired(option) ? 'REQUIRED' : '', option.live ? '' : 'restart', option.env];
  const lines = [
    ...wrap(option.doc, '  # '),
    ...example,
    `  # [${marks.filter((mark) => mark !== '').join(', ')}]`,
  ];
  return `${lines.join('\n')}\n`;
}

function setting(name: string, option: Option<unknown>): string {
  return option.default === null ? `${name}:` : `${name}: ${yaml(option.default)}`;
}

export function isRequired(option: Option<unknown>): boolean {
  return option.default === null && option.nullable !== true;
}

function optionsOf(section: Readonly<Record<string, Option<unknown>>>): [string, Option<unknown>][] {
  return Object.entries(section);
}

/** The value as YAML on one line. */
export function yaml(value: unknown): string {
  return stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    singleQuote: true,
    // A pattern copied from the list keeps its quotes: `*.tmp` without quotes is not valid YAML.
    defaultStringType: Array.isArray(value) ? 'QUOTE_SINGLE' : 'PLAIN',
    lineWidth: 0,
  }).trimEnd();
}

function code(text: string): string {
  return `\`${text}\``;
}

/**
 * Wraps `text` at WIDTH characters, and begins each line with `lead`; a longer word gets its own
 * line. Keeps `1 h` together.
 */
function wrap(text: string, lead: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/(?<!\d) /)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(lead + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

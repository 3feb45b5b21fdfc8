// The help texts, from the command table. Pure functions; no line is wider than 80 columns.
import { firstWords, secondWordsOf } from './command-line.ts';
import {
  type ArgumentSpec,
  BARE_OPTIONS,
  type CommandName,
  commandNames,
  commands,
  isCommandName,
  optionsOf,
} from './command-table.ts';
import { type OptionName, options } from './option-table.ts';

const WIDTH = 80;

export const EXIT_CODES = 'Exit codes: 0 fine, 1 failure, 2 usage, 78 bad configuration.';

/** `topic` is empty for everything, a command, or the first word of several commands. */
export function helpText(topic: string): string {
  if (topic === '') return overview();
  const seconds = secondWordsOf(topic);
  if (seconds.length === 0) return isCommandName(topic) ? commandHelp(topic) : overview();
  const named = seconds.map((second) => `${topic} ${second}`).filter(isCommandName);
  return named.map(commandHelp).join('\n');
}

function overview(): string {
  const listed = commandNames.map((name) => [name, commands[name].does] as const);
  return [
    'Usage: halfpipe COMMAND [ARGUMENT ...] [OPTION ...]',
    '',
    ...wrapped(
      "Drains a spool folder to S3 while the whole link's upload traffic stays at half its capacity.",
    ),
    '',
    'Commands:',
    ...table(listed),
    '',
    'Options:',
    ...optionTable(BARE_OPTIONS),
    '',
    ...wrapped(`halfpipe ${firstWords()[0]} --help tells more of a command, also halfpipe.8 in man.`),
    EXIT_CODES,
    '',
  ].join('\n');
}

function commandHelp(name: CommandName): string {
  const { does, details } = commands[name];
  return [
    ...wrapped(`Usage: ${synopsis(name)}`, '         '),
    '',
    ...wrapped(`${sentence(does)} ${details}`),
    '',
    'Options:',
    ...optionTable(optionsOf(name)),
    '',
  ].join('\n');
}

/** The command with everything that it takes: `halfpipe quarantine retry [ID ...] [--all]`. */
export function synopsis(name: CommandName): string {
  const { arguments: args = [], options: own = [] } = commands[name];
  return [
    'halfpipe',
    name,
    ...args.map(argumentText),
    ...own.map((option) => `[${optionText(option)}]`),
  ].join(' ');
}

export function argumentText({ name, words = [], optional, many }: ArgumentSpec): string {
  const choice = [...(name === undefined ? [] : [name]), ...words].join('|');
  const repeated = many === true ? `${choice} ...` : choice;
  return optional === true ? `[${repeated}]` : repeated;
}

/** `--limit N` */
export function optionText(name: OptionName): string {
  const { value } = options[name];
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function optionTable(names: readonly OptionName[]): readonly string[] {
  return table(names.map((name) => [optionText(name), options[name].does] as const));
}

function table(rows: readonly (readonly [name: string, text: string])[]): readonly string[] {
  const column = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) => {
    const [first = '', ...others] = wrapped(text, '', WIDTH - column);
    return [`  ${name}`.padEnd(column) + first, ...others.map((line) => ' '.repeat(column) + line)];
  });
}

/** Breaks `text` between words, never inside brackets. Further lines begin with `lead`. */
function wrapped(text: string, lead = '', width = WIDTH): readonly string[] {
  const lines: string[] = [];
  for (const word of text.match(/\[[^\]]*\]|\S+/g) ?? []) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (last.length + 1 + word.length > width) lines.push(lead + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

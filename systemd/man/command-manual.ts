// The parts of halfpipe.8 that follow from the command table. Pure functions; man(7) macros.
import { argumentText, sentence } from '../../src/commands/command-help.ts';
import {
  BARE_OPTIONS,
  COMMON_OPTIONS,
  type CommandName,
  commandNames,
  commands,
} from '../../src/commands/command-table.ts';
import { type OptionName, options } from '../../src/commands/option-table.ts';

/** The text between the markers of halfpipe.8, by their names. */
export function renderCommandManual(): Readonly<Record<string, string>> {
  return {
    synopsis: commandNames.map((name) => `${head(name)}.br\n`).join(''),
    commands: commandNames.map(entry).join(''),
    options: optionNames().map(optionEntry).join(''),
  };
}

/** `text` between the lines `.\" marker:begin` and `.\" marker:end`. */
export function between(marker: string): RegExp {
  return new RegExp(`(\\.\\\\" ${marker}:begin\n)([\\s\\S]*?)(\\.\\\\" ${marker}:end\n)`);
}

function head(name: CommandName): string {
  const { arguments: args = [], options: own = [] } = commands[name];
  const rest = [...args.map(argumentText), ...own.map((option) => `[${optionTitle(option)}]`)].join(' ');
  return `\\fBhalfpipe ${roff(name)}\\fR${rest === '' ? '' : ` ${rest}`}\n`;
}

function entry(name: CommandName): string {
  const { does, details } = commands[name];
  return `.TP\n${head(name)}${roff(`${sentence(does)} ${details}`)}\n`;
}

/** Those that every command takes come last. */
function optionNames(): readonly OptionName[] {
  const own = commandNames.flatMap((name) => commands[name].options ?? []);
  return [...new Set([...own, ...COMMON_OPTIONS, ...BARE_OPTIONS])];
}

function optionEntry(name: OptionName): string {
  const takers = commandNames.filter((command) => commands[command].options?.includes(name) === true);
  const { does } = options[name];
  const text = takers.length === 0 ? sentence(does) : `With ${takers.join(', ')}: ${does}.`;
  return `.TP\n${optionTitle(name)}\n${roff(text)}\n`;
}

function optionTitle(name: OptionName): string {
  const { value } = options[name];
  return `\\fB${roff(`--${name}`)}\\fR${value === undefined ? '' : ` \\fI${value}\\fR`}`;
}

/** Text that troff prints as it stands. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll("'", '\\(aq');
}

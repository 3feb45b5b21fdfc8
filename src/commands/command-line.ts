// Parses the arguments into a command, its arguments and its options, by the command table. Each
// mistake is told with what is accepted instead.
import { parseArgs } from 'node:util';
import { nearest } from '../system/nearest.ts';
import { printable } from '../system/printable.ts';
import {
  type ArgumentSpec,
  BARE_OPTIONS,
  type CommandName,
  commandNames,
  commands,
  isCommandName,
  optionsOf,
} from './command-table.ts';
import { isOptionName, type OptionSpec, type OptionValues, options } from './option-table.ts';

/** A usage mistake. The message is one line for the user. */
export class UsageError extends Error {
  /** What to type for help. */
  readonly help: string;

  constructor(message: string, topic = '') {
    super(printable(message));
    this.help = topic === '' ? 'halfpipe --help' : `halfpipe ${topic} --help`;
  }
}

export type CommandLine =
  /** `topic` is empty, a command, or the first word of several commands. */
  | { readonly command: 'help'; readonly topic: string }
  | { readonly command: 'version' }
  | {
      readonly command: CommandName;
      readonly args: readonly string[];
      readonly values: OptionValues;
      readonly configFile: string;
    };

/** `argv` without node and script. Throws UsageError. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { words, given } = split(argv);
  const asksHelp = words[0] === 'help' || given.some(({ name }) => name === 'help');
  if (asksHelp) return { command: 'help', topic: topicOf(words.filter((word) => word !== 'help')) };
  if (words.length === 0 && given.some(({ name }) => name === 'version')) return { command: 'version' };
  const command = commandOf(words, given);
  const args = words.slice(command.split(' ').length);
  const values = readOptions(command, given);
  checkArguments(command, args);
  const slip = commands[command].check?.(args, values);
  if (slip !== undefined) throw new UsageError(`${command} ${slip}`, command);
  return { command, args, values, configFile: configFileOf(values, command) };
}

interface GivenOption {
  /** Without its dashes. */
  readonly name: string;
  /** What was typed, with its dashes. */
  readonly typed: string;
  readonly value: string | undefined;
  /** True for `--name=value`. */
  readonly isInline: boolean;
}

/** Node's parser knows only which options take a value; the rest is checked against the command. */
function split(argv: readonly string[]): {
  readonly words: readonly string[];
  readonly given: readonly GivenOption[];
} {
  const known = Object.entries(options).map(([name, { value }]) => [
    name,
    { type: value === undefined ? ('boolean' as const) : ('string' as const) },
  ]);
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...Object.fromEntries(known), help: { type: 'boolean', short: 'h' } },
    ...{ strict: false, allowPositionals: true, tokens: true },
  });
  return {
    words: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    given: tokens.flatMap((token) =>
      token.kind === 'option'
        ? [
            {
              name: token.name,
              typed: token.rawName,
              value: token.value,
              isInline: token.inlineValue === true,
            },
          ]
        : [],
    ),
  };
}

/** The words of systemd that people try, and what to type instead. */
const OF_SYSTEMD = ['start', 'stop', 'restart', 'reload', 'enable', 'disable'];

function commandOf(words: readonly string[], given: readonly GivenOption[]): CommandName {
  const [first, second] = words;
  if (first === undefined) {
    const [option] = given;
    if (option !== undefined && !BARE_OPTIONS.some((name) => name === option.name)) unknown(option);
    throw new UsageError(`which command? One of ${firstWords().join(', ')}`);
  }
  if (isCommandName(first)) return first;
  const pair = `${first} ${second}`;
  if (isCommandName(pair)) return pair;
  const seconds = secondWordsOf(first);
  if (seconds.length > 0) {
    const meant = second === undefined ? undefined : nearest(second, seconds);
    const guess = meant === undefined ? '' : `: did you mean ${meant}?`;
    throw new UsageError(`${first} what? One of ${seconds.join(', ')}${guess}`, first);
  }
  if (OF_SYSTEMD.includes(first)) {
    const instance = given.find(({ name }) => name === 'instance')?.value;
    const unit = instance === undefined ? 'halfpipe' : `halfpipe@${instance}`;
    throw new UsageError(`unknown command ${first}: it is systemd's: systemctl ${first} ${unit}`);
  }
  const meant = nearest(first, firstWords());
  throw new UsageError(`unknown command ${first}${meant === undefined ? '' : `: did you mean ${meant}?`}`);
}

export function firstWords(): readonly string[] {
  return [...new Set(commandNames.map((name) => name.split(' ')[0] ?? name))];
}

/** Empty for a command of one word. */
export function secondWordsOf(first: string): readonly string[] {
  return commandNames.flatMap((name) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
}

function topicOf(words: readonly string[]): string {
  const [first, second] = words;
  if (first === undefined) return '';
  if (secondWordsOf(first).length > 0 && second === undefined) return first;
  return commandOf(words, []);
}

function readOptions(command: CommandName, given: readonly GivenOption[]): OptionValues {
  const taken = optionsOf(command);
  const values = given.map((option) => {
    const name = taken.find((known) => known === option.name) ?? unknown(option, command);
    return [name, readOption(option, options[name], command)];
  });
  return Object.fromEntries(values);
}

function unknown({ name, typed }: GivenOption, command?: CommandName): never {
  const taken = command === undefined ? BARE_OPTIONS : optionsOf(command);
  const list = `there are ${taken.map((known) => `--${known}`).join(', ')}`;
  if (isOptionName(name) && command !== undefined)
    throw new UsageError(`${command} takes no ${typed}: ${list}`, command);
  const meant = nearest(name, taken);
  const guess = meant === undefined ? list : `did you mean --${meant}?`;
  throw new UsageError(`unknown option ${typed}: ${guess}`, command);
}

function readOption(
  { typed, value, isInline }: GivenOption,
  { value: wanted, accepts }: OptionSpec<unknown>,
  command: CommandName,
): unknown {
  if (wanted === undefined || accepts === undefined) {
    if (isInline) throw new UsageError(`${typed} takes no value: type ${typed} alone`, command);
    return true;
  }
  // A value that begins with a dash is the next option, unless it is typed with =.
  if (value === undefined || value === '' || (!isInline && value.startsWith('-')))
    throw new UsageError(`${typed} needs a value: type ${typed} ${wanted}`, command);
  return read(accepts, value, `${typed} ${value}`, command);
}

function checkArguments(command: CommandName, args: readonly string[]): void {
  const specs: readonly ArgumentSpec[] = commands[command].arguments ?? [];
  const last = specs.at(-1);
  for (const [at, arg] of args.entries()) {
    const spec = specs[at] ?? (last?.many === true ? last : undefined);
    if (spec === undefined) throw new UsageError(`${command}: unexpected argument ${arg}`, command);
    checkArgument(spec, arg, command);
  }
  const missing = specs.slice(args.length).find(({ optional }) => optional !== true);
  if (missing !== undefined) throw new UsageError(`${command} what? ${kindOf(missing)}`, command);
}

function checkArgument(spec: ArgumentSpec, arg: string, command: CommandName): void {
  const { words, accepts } = spec;
  if (words?.includes(arg)) return;
  if (accepts !== undefined) read(accepts, arg, `${command} ${arg}`, command);
  else if (words !== undefined) {
    const meant = nearest(arg, words);
    const guess = meant === undefined ? kindOf(spec) : `did you mean ${meant}?`;
    throw new UsageError(`${command}: unknown word ${arg}: ${guess}`, command);
  }
}

/** What to type for an argument. */
function kindOf({ name, words }: ArgumentSpec): string {
  return [
    ...(words === undefined ? [] : [`One of ${words.join(', ')}`]),
    ...(name === undefined ? [] : [name]),
  ].join(', or ');
}

function read(
  accepts: (value: unknown) => unknown,
  value: string,
  subject: string,
  command: CommandName,
): unknown {
  try {
    return accepts(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${subject}: ${error.message}`, command);
  }
}

const FOLDER = '/etc/halfpipe';

function configFileOf({ config, instance }: OptionValues, command: CommandName): string {
  if (config !== undefined && instance !== undefined)
    throw new UsageError(`--instance ${instance} already names a config file: remove --config`, command);
  return config ?? `${FOLDER}/${instance ?? 'halfpipe'}.yaml`;
}

// Every command of halfpipe: its words, arguments and options, and what it does. Parsing, help, the
// completion of the shell and the manual all follow from this table.
import { type Format, share } from '../config/formats.ts';
import { tokenName } from '../ingest/token-rules.ts';
import { FILE_LISTS } from '../view/file-list.ts';
import type { OptionName, OptionValues } from './option-table.ts';

export interface ArgumentSpec {
  /** In capitals: `PATH`. A choice of fixed words needs no name. */
  readonly name?: string;
  /** The fixed words that are accepted. */
  readonly words?: readonly string[];
  /** Reads a value that is not one of the words. Throws RangeError. */
  readonly accepts?: Format<unknown>;
  readonly optional?: true;
  /** True if the argument may be repeated. */
  readonly many?: true;
}

export interface CommandSpec {
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionName[];
  /** One line of help. */
  readonly does: string;
  /** Further sentences for the command's own help and the manual. */
  readonly details: string;
  /**
   * Checks what the lists above cannot say. Returns what is wrong, to follow the command's name.
   */
  readonly check?: (args: readonly string[], values: OptionValues) => string | undefined;
}

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly OptionName[] = ['config', 'instance', 'help'];
/** Options that stand without a command. */
export const BARE_OPTIONS: readonly OptionName[] = [...COMMON_OPTIONS, 'version'];

const ids: ArgumentSpec = { name: 'ID', optional: true, many: true };
const tokenNameArgument: ArgumentSpec = { name: 'NAME', accepts: tokenName };
const idsOrAll = (args: readonly string[], { all }: OptionValues) =>
  (all === true) === args.length > 0 ? 'takes the ids that list shows, or --all' : undefined;

const COMMANDS = {
  status: {
    options: ['json'],
    does: 'show the state of the running daemon',
    details:
      'Prints what is drained, how fast, until when, and every problem with its remedy. With --json, prints everything that the daemon knows. Exits with 0 if all is well, 1 if halfpipe is paused or something needs a human, 2 if it is not running, 3 if the spool does not exist.',
  },
  top: {
    does: 'the same, live',
    details:
      'Draws the link, what is wrong and what to do, and the files on their way. Its keys pause, resume, retry and quit. It goes on when the daemon is restarted. Without a terminal it prints a line every 5 s.',
  },
  list: {
    arguments: [{ words: FILE_LISTS, optional: true }],
    options: ['json', 'limit'],
    does: 'show which files wait, are sent, are stuck, or were handled last',
    details:
      'Prints the first 20 (or N) files of the list, with reasons, attempts and the next try. Without a name, prints every list but the last that is not empty.',
  },
  retry: {
    arguments: [{ name: 'PATH', optional: true, many: true }],
    does: 'try deferred files again now',
    details:
      'PATH is a file or a folder, below the spool or in full. Without PATH, everything that waits is tried: deferred files, held folders and the store.',
  },
  pause: {
    options: ['for'],
    does: 'send nothing, until resume or for a time',
    details:
      'Uploads that can resume are given up at once, others may finish within 10 s. A pause outlives a restart of the daemon.',
  },
  resume: { does: 'end a pause at once', details: 'Draining goes on at once.' },
  share: {
    arguments: [{ name: 'SHARE', words: ['default'], accepts: share }],
    options: ['for'],
    does: 'set the share of the link for now, such as 30%',
    details:
      'It holds before link.timetable and link.share, and outlives a restart of the daemon. With default, those two decide again.',
    check: ([wanted], { for: time }) =>
      wanted === 'default' && time !== undefined ? 'default takes no --for' : undefined,
  },
  rescan: {
    does: 'look through the spool now',
    details: 'Finds files of which the file system has told nothing, before spool.rescan is over.',
  },
  check: {
    options: ['config-only'],
    does: 'try out config, spool, link and bucket, and print what would be used',
    details:
      'Puts a small object into the bucket, reads it back and deletes it. Exits with 0 if everything works. With --config-only it sends nothing, and exits with 78 for a config that is refused; systemctl reload asks it first.',
  },
  plan: {
    options: ['json', 'limit'],
    does: 'show what would be uploaded, under which keys, and what would not',
    details:
      'Looks through the spool once and touches nothing: no lock is taken, and the bucket is not asked. Prints how many files would go and how long that takes, the first 20 (or N) in their order, and what waits or is left out, with the reasons. A daemon may be running.',
  },
  'config show': {
    options: ['json'],
    does: 'show the settings in force, and where each comes from',
    details:
      'Prints YAML: every option with its value, and behind it the file and line, the environment variable, or "default". Secrets are hidden.',
  },
  metrics: {
    does: 'print the metrics of the running daemon, for node_exporter',
    details:
      'Prints what /metrics of observe.listen serves, in the text format of Prometheus. If no daemon answers, prints halfpipe_up 0, and exits with 0.',
  },
  verify: {
    options: ['since', 'read-back', 'json'],
    does: 'compare the bucket with the manifest',
    details:
      'For the last line of each key in manifest.path, asks the store for size, version, checksum and ETag, and names each object that is missing or differs. Exits with 0 if all are there, else with 1. Its requests are not paced. With --read-back it downloads every object.',
  },
  fetch: {
    arguments: [{ name: 'KEY' }, { name: 'MEMBER|DIR', optional: true }],
    options: ['unpack', 'output', 'json'],
    does: 'list a packet in the bucket, or bring files back from it',
    details:
      'KEY is the whole key, as the journal and the manifest have it. Without MEMBER, prints size, time and name of each file in the packet, which takes two requests at most. With MEMBER, writes that file to standard output or FILE; with --unpack, writes every file below DIR. Each file is compared with its size and CRC-32 in the packet, gets its name once it is whole, and replaces no other file. The requests are not paced.',
    check: ([, member], { unpack, output, json }) => {
      if (unpack === true && member === undefined) return 'takes KEY and DIR with --unpack';
      if (output !== undefined && (unpack === true || member === undefined))
        return 'takes --output with MEMBER only';
      return json === true && member !== undefined ? 'takes --json without MEMBER only' : undefined;
    },
  },
  'quarantine list': {
    does: 'show the files that need a human, and why',
    details: 'Prints the id, the time, the size and the path of each file, then the reason.',
  },
  'quarantine retry': {
    arguments: [ids],
    options: ['all'],
    does: 'put such files back into the spool',
    details: 'The daemon may keep running. A file stays in quarantine if another file has its name.',
    check: idsOrAll,
  },
  'quarantine drop': {
    arguments: [ids],
    options: ['all', 'yes'],
    does: 'delete such files for good',
    details: 'Asks before it deletes. The bucket is not touched.',
    check: idsOrAll,
  },
  'token add': {
    arguments: [tokenNameArgument],
    options: ['prefix', 'expires'],
    does: 'let a producer bring files over HTTP, and print its token',
    details:
      'Prints the token, and nothing else, to standard output, this once. ingest.tokensFile gets its name, SHA-256, prefix and end, and a running daemon accepts it at once.',
  },
  'token list': {
    options: ['json'],
    does: 'show the names of the tokens, with prefix and end',
    details:
      'Prints for each token when it was made, and when it ends or that it has expired; times are in UTC.',
  },
  'token revoke': {
    arguments: [tokenNameArgument],
    does: 'refuse a token from now on',
    details: 'A running daemon refuses its next request. A file that is on its way may still arrive.',
  },
  run: {
    does: 'drain the spool: SIGTERM stops, SIGHUP reloads the config',
    details: 'The service runs this command. It uses the environment that it is started with.',
  },
} satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof COMMANDS;

export const commands: Readonly<Record<CommandName, CommandSpec>> = COMMANDS;
export const commandNames: readonly CommandName[] = Object.keys(COMMANDS).filter(isCommandName);

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** The options that a command takes, its own ones first. */
export function optionsOf(name: CommandName): readonly OptionName[] {
  return [...(commands[name].options ?? []), ...COMMON_OPTIONS];
}

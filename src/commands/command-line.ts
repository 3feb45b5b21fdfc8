// Parses the arguments into a command and its options; rejects options the command does not take.
import { parseArgs } from 'node:util';
import { errnoOf } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { QUARANTINE_ACTIONS, type QuarantineRequest } from './quarantine-command.ts';

export const USAGE = `Usage: halfpipe COMMAND [--config FILE]

Drains a spool folder to S3 while the whole link's upload traffic stays at half its capacity.

Commands:
  run      drain the spool: SIGTERM stops, SIGHUP reloads the config
  check    try out config, spool, link and bucket, and print what would be used
  status   show the state of the running daemon (--json for everything it knows)
  top      the same, live
  quarantine list|retry|drop [ID ...]
           files that need a human: show them, put them back into the spool, or delete them

Options:
  --config FILE  (default /etc/halfpipe/halfpipe.yaml)
  --json         with status: the whole state as JSON
  --all          with quarantine retry and drop: every file there
  --yes          with quarantine drop: do not ask
  --help, --version

Exit codes: 0 fine, 1 failure, 2 usage, 78 bad configuration.
`;

/** A usage mistake. The message is one line for the user. */
export class UsageError extends Error {}

const COMMANDS = ['run', 'check', 'status', 'top', 'quarantine'] as const;

const OPTIONS = {
  config: { type: 'string', default: '/etc/halfpipe/halfpipe.yaml' },
  json: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const;

/** Which command takes which switch. All commands take the other options. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  status: ['json'],
  'quarantine retry': ['all'],
  'quarantine drop': ['all', 'yes'],
};

export interface CommandLine {
  readonly command: (typeof COMMANDS)[number] | 'help' | 'version';
  readonly configFile: string;
  readonly json: boolean;
  /** What `quarantine` should do. */
  readonly request: QuarantineRequest;
}

/** `argv` without node and script. Throws UsageError. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = parse(argv);
  const { config: configFile, json, all, yes } = values;
  const request: QuarantineRequest = { action: 'list', ids: [], all, yes };
  const [word, ...others] = positionals;
  if (values.help || word === 'help') return { command: 'help', configFile, json, request };
  if (values.version) return { command: 'version', configFile, json, request };
  const command = commandOf(word);
  if (command === 'quarantine') {
    const asked = quarantineRequest(others, request);
    refuseSwitches(`quarantine ${asked.action}`, values);
    return { command, configFile, json, request: asked };
  }
  if (others[0] !== undefined) throw new UsageError(`unexpected argument ${printable(others[0])}`);
  refuseSwitches(command, values);
  return { command, configFile, json, request };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (errnoOf(error) !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new UsageError(printable(message));
    // Node's own message continues with advice about positional arguments.
    const name = /'(-.*?)'/s.exec(message)?.[1] ?? message;
    const known = Object.keys(OPTIONS).map((option) => `--${option}`);
    throw new UsageError(`unknown option ${printable(name)}: there are ${known.join(', ')}`);
  }
}

function commandOf(word: string | undefined): (typeof COMMANDS)[number] {
  if (word === undefined) throw new UsageError(`which command? One of ${COMMANDS.join(', ')}`);
  const command = COMMANDS.find((known) => known === word);
  if (command === undefined) throw new UsageError(`unknown command ${printable(word)}`);
  return command;
}

function refuseSwitches(command: string, values: Readonly<Record<string, unknown>>): void {
  for (const name of ['json', 'all', 'yes'])
    if (values[name] === true && TAKES[command]?.includes(name) !== true)
      throw new UsageError(`${command} takes no --${name}`);
}

function quarantineRequest(
  [wanted, ...ids]: readonly string[],
  { all, yes }: QuarantineRequest,
): QuarantineRequest {
  const action = QUARANTINE_ACTIONS.find((known) => known === wanted);
  if (action === undefined) throw new UsageError(`quarantine what? One of ${QUARANTINE_ACTIONS.join(', ')}`);
  if (action === 'list' && ids[0] !== undefined)
    throw new UsageError(`unexpected argument ${printable(ids[0])}`);
  if (action !== 'list' && all === ids.length > 0)
    throw new UsageError(`quarantine ${action} takes the ids that list shows, or --all`);
  return { action, ids, all, yes };
}

#!/usr/bin/env node
// argv, signals and exit codes. The only place that reads process.env and ends the process.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { check } from './commands/check.ts';
import { EXIT, type ExitCode } from './commands/exit-codes.ts';
import { QUARANTINE_ACTIONS, type QuarantineRequest, quarantine } from './commands/quarantine-command.ts';
import { run } from './commands/run.ts';
import { status, top } from './commands/status.ts';
import { ConfigError } from './config/config-error.ts';
import { errnoOf } from './system/fault.ts';

const USAGE = `Usage: halfpipe COMMAND [--config FILE]

Drains a spool folder to S3 while the whole link's upload traffic stays at half its capacity.

Commands:
  run      drain until told to stop: SIGTERM stops, SIGHUP reloads the config
  check    try out config, spool, link and bucket, and say what would be used
  status   ask the running daemon how it goes (--json for everything it knows)
  top      the same, live
  quarantine list|retry|drop [ID ...]
           what needs a human: show it, put it back into the spool, or delete it for good

Options:
  --config FILE  (default /etc/halfpipe/halfpipe.yaml)
  --json         with status: the whole state as JSON
  --all          with quarantine retry and drop: every file there
  --yes          with quarantine drop: do not ask
  --help, --version

Exit codes: 0 fine, 1 failure, 2 usage, 78 bad configuration.
`;

class UsageError extends Error {}

const COMMANDS = ['run', 'check', 'status', 'top', 'quarantine'] as const;

async function main(): Promise<ExitCode> {
  const { command, configFile, json, request, help, version } = readArguments();
  if (help) return print(USAGE);
  if (version) return print(`halfpipe ${readVersion()}\n`);
  const { env, stdin, stdout, stderr } = process;
  switch (command) {
    case 'run':
      return run({ configFile, env, version: readVersion(), exitNow: (code) => process.exit(code) });
    case 'check':
      return check({ configFile, env, stdout });
    case 'status':
      return status({ configFile, env, stdout, stderr }, json);
    case 'quarantine':
      return quarantine({ configFile, env, stdin, stdout, stderr }, request);
    case 'top':
      return top({ configFile, env, stdout, stderr }, interrupted());
  }
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        config: { type: 'string', default: '/etc/halfpipe/halfpipe.yaml' },
        json: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', default: false },
      },
    });
    const { config: configFile, json, help, version } = values;
    const command = COMMANDS.find((known) => known === positionals[0]) ?? 'run';
    const { all, yes } = values;
    let request: QuarantineRequest = { action: 'list', ids: [], all, yes };
    if (!help && !version) {
      if (command === 'quarantine') request = quarantineRequest(positionals.slice(1), all, yes);
      else refuseStrangers(positionals);
    }
    return { command, configFile, json, request, help, version };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(messageOf(error));
  }
}

function refuseStrangers([command, ...others]: readonly string[]): void {
  if (command === undefined)
    throw new UsageError('which command? One of run, check, status, top, quarantine');
  if (!COMMANDS.some((known) => known === command)) throw new UsageError(`unknown command ${command}`);
  if (others[0] !== undefined) throw new UsageError(`unexpected argument ${others[0]}`);
}

function quarantineRequest(
  [wanted, ...ids]: readonly string[],
  all: boolean,
  yes: boolean,
): QuarantineRequest {
  const action = QUARANTINE_ACTIONS.find((known) => known === wanted);
  if (action === undefined) throw new UsageError(`quarantine what? One of ${QUARANTINE_ACTIONS.join(', ')}`);
  if (action === 'list' && ids[0] !== undefined) throw new UsageError(`unexpected argument ${ids[0]}`);
  if (action !== 'list' && all === ids.length > 0)
    throw new UsageError(`quarantine ${action} takes the ids that list shows, or --all`);
  return { action, ids, all, yes };
}

/** From the package this file was built into. */
function readVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Aborts with SIGINT or SIGTERM, and when nobody reads what we print any more (`halfpipe top | head`). */
function interrupted(): AbortSignal {
  const interruption = new AbortController();
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
    interruption.abort();
  });
  process.once('SIGINT', () => interruption.abort());
  process.once('SIGTERM', () => interruption.abort());
  return interruption.signal;
}

function print(text: string): ExitCode {
  process.stdout.write(text);
  return EXIT.ok;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(error: unknown): ExitCode {
  if (error instanceof UsageError) {
    process.stderr.write(`halfpipe: ${error.message}\nTry 'halfpipe --help'.\n`);
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`halfpipe: ${problem}\n`);
    return EXIT.badConfiguration;
  }
  process.stderr.write(`halfpipe: ${error instanceof Error ? error.stack : error}\n`);
  return EXIT.failure;
}

// The SDK's advice about Node versions is for whoever updates halfpipe, not for its log.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
process.exit(await main().catch(fail));

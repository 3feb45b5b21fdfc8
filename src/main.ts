#!/usr/bin/env -S node --expose-gc --initial-old-space-size=48 --max-semi-space-size=8 --max-old-space-size=256
// argv, signals and exit codes. The only place that reads process.env and ends the process.
//
// The flags above, in MiB, bound the heap of each thread. Without them Node.js sizes the heap by
// the machine's memory and collects garbage late: the peak was twice as high. The old generation
// is collected first when it has 48 MiB, not at each step of its growth to that. With --expose-gc,
// an idle daemon gives memory back. The wrapper of the Debian package, systemd/debian/halfpipe.sh,
// has the same flags.
import { readFileSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { helpText } from './commands/command-help.ts';
import { readCommandLine, UsageError } from './commands/command-line.ts';
import { EXIT, type ExitCode } from './commands/exit-codes.ts';
import type { QuarantineRequest } from './commands/quarantine-command.ts';
import { isPartOf, serviceEnvironment, serviceFilesOf } from './commands/service-environment.ts';
import { unknownInstance } from './commands/service-instance.ts';
import { readServiceUnit } from './commands/service-unit.ts';
import type { TokenRequest } from './commands/token-command.ts';
import { ConfigError } from './config/config-error.ts';
import { keepAlive, systemClock } from './system/clock.ts';
import { errnoOf } from './system/fault.ts';
import { tooOldNode } from './system/node-version.ts';
import { printable } from './system/printable.ts';
import { redactorOf } from './system/redact.ts';
import { storyOf } from './system/story-of.ts';
import { hasStuckThread } from './system/stuck-threads.ts';

/**
 * The threads that start from then on get this. With the flag above, which wins over a worker's
 * resourceLimits, each would take up to 24 MiB. With 1 MiB and an old generation of 8, a million
 * waiting files took 19 MB less, but a line of 400 Mbit/s and 200 ms carried 47 % instead of 48.5.
 */
const THREAD_SEMI_SPACE_MB = 2;

/** The commands that root has done by the service's user. */
const WORKS_IN_SPOOL = /^(check|plan|quarantine .+)$/;

async function main(): Promise<number> {
  const { version, engines } = readPackage();
  const tooOld = tooOldNode(process.version, engines);
  if (tooOld !== undefined) throw new ConfigError([tooOld]);
  const asked = readCommandLine(process.argv.slice(2));
  const unread = outputUnread();
  if (asked.command === 'help') return print(helpText(asked.topic));
  if (asked.command === 'version') return print(`halfpipe ${version}\n`);
  const { command, args, values, configFile } = asked;
  const missing = values.instance === undefined ? undefined : unknownInstance(values.instance);
  if (missing !== undefined) throw new ConfigError([missing]);
  const { env, stdin, stdout, stderr } = process;
  // A command loads only what it needs. Loading all takes half a second.
  if (command === 'run') {
    setFlagsFromString(`--max-semi-space-size=${THREAD_SEMI_SPACE_MB}`);
    const { run } = await import('./commands/run.ts');
    return run({ configFile, env, version, exitNow: (code) => process.exit(code) });
  }
  const dropped = seeAsTheService(configFile);
  const context = { configFile, env, stdin, stdout, stderr };
  if (WORKS_IN_SPOOL.test(command)) {
    const { runAsService } = await import('./commands/run-as-service.ts');
    const done = await runAsService(context, [
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1),
    ]);
    if (done !== undefined) return done;
  }
  const quarantine = async (request: QuarantineRequest) =>
    (await import('./commands/quarantine-command.ts')).quarantine(context, request);
  const token = async (request: TokenRequest) =>
    (await import('./commands/token-command.ts')).token(context, request);
  switch (command) {
    case 'check':
      if (values['config-only'] === true)
        return (await import('./commands/check-config.ts')).checkConfig(context);
      return (await import('./commands/check.ts')).check({ ...context, dropped });
    case 'status':
      return (await import('./commands/status.ts')).status(context, values.json === true);
    case 'list': {
      const request = { list: args[0], asJson: values.json === true, limit: values.limit };
      return (await import('./commands/list-command.ts')).list(context, request);
    }
    case 'pause':
    case 'rescan':
    case 'resume':
    case 'retry':
    case 'share': {
      const { order, orderOf } = await import('./commands/order-command.ts');
      return order(context, orderOf(command, args, values.for));
    }
    case 'top': {
      const { top } = await import('./commands/top.ts');
      return top(context, AbortSignal.any([unread, interrupted()]));
    }
    case 'plan': {
      const { plan } = await import('./commands/plan.ts');
      return plan(context, { asJson: values.json === true, limit: values.limit });
    }
    case 'verify': {
      const { verifyBucket } = await import('./commands/verify-bucket.ts');
      const { since: sinceMs, json, 'read-back': readBack } = values;
      const request = { readsBack: readBack === true, asJson: json === true };
      return verifyBucket(
        context,
        sinceMs === undefined ? request : { ...request, sinceMs },
        AbortSignal.any([unread, interrupted()]),
      );
    }
    case 'fetch': {
      const { fetchPacket, requestOf } = await import('./commands/fetch-command.ts');
      return fetchPacket(context, requestOf(args, values), AbortSignal.any([unread, interrupted()]));
    }
    case 'config show':
      return (await import('./commands/config-show.ts')).showConfig(context, values.json === true);
    case 'metrics':
      return (await import('./commands/metrics-command.ts')).metrics(context);
    case 'quarantine list':
      return quarantine({ action: 'list' });
    case 'quarantine retry':
      return quarantine({ action: 'retry', ids: args });
    case 'quarantine drop':
      return quarantine({ action: 'drop', ids: args, yes: values.yes === true });
    case 'token add': {
      const [name = ''] = args;
      return token({ action: 'add', name, prefix: values.prefix, expiresMs: values.expires });
    }
    case 'token list':
      return token({ action: 'list', asJson: values.json === true });
    case 'token revoke': {
      const [name = ''] = args;
      return token({ action: 'revoke', name });
    }
  }
}

/**
 * Gives this process, including the AWS SDK, the environment of the config file's service. Returns
 * the names of the shell's variables that the service does not have.
 */
function seeAsTheService(configFile: string): readonly string[] {
  const files = serviceFilesOf(configFile);
  if (files === undefined || isPartOf(files, process.env)) return [];
  const { env, dropped } = serviceEnvironment(process.env, files, readServiceUnit(files.unit));
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(env)) process.env[name] = value;
  return dropped;
}

/** The package that this file was built into. */
function readPackage(): { readonly version: string; readonly engines?: { readonly node: string } } {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
}

/**
 * Aborts when the reader of our output is gone (`halfpipe top | head`). That is not a failure: the
 * command's work continues without output.
 */
function outputUnread(): AbortSignal {
  const unread = new AbortController();
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (errnoOf(error) !== 'EPIPE') throw error;
      unread.abort();
    });
  return unread.signal;
}

/** Aborts at SIGINT or SIGTERM. */
function interrupted(): AbortSignal {
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  process.once('SIGTERM', () => interruption.abort());
  return interruption.signal;
}

function print(text: string): ExitCode {
  process.stdout.write(text);
  return EXIT.ok;
}

function fail(error: unknown): ExitCode {
  if (error instanceof UsageError) {
    process.stderr.write(`halfpipe: ${error.message}\nTry '${error.help}'.\n`);
    return EXIT.usage;
  }
  const redact = redactorOf(process.env);
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`halfpipe: ${redact(printable(problem))}\n`);
    return EXIT.badConfiguration;
  }
  process.stderr.write(`halfpipe: ${redact(storyOf(error))}\n`);
  return EXIT.failure;
}

/**
 * An uncaught error ends the process, as it would without this handler. But Node.js would print
 * everything attached to the error, for example a request with its headers.
 */
function crash(error: unknown): never {
  writeSync(process.stderr.fd, `halfpipe ends: ${redactorOf(process.env)(storyOf(error))}\n`);
  process.exit(EXIT.failure);
}

/**
 * Ends the process. process.exit waits for the threads of the pool. A call that does not return, as
 * on a dead network mount, would delay it until systemd kills the process. systemd counts an end by
 * SIGTERM as success.
 */
async function end(code: number): Promise<void> {
  const isCalling = () =>
    hasStuckThread() || process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
  for (let turn = 0; turn < CALLS_END_TURNS && isCalling(); turn += 1)
    await systemClock.sleep(CALLS_END_TURN_MS);
  if (isCalling()) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, code === EXIT.ok ? 'SIGTERM' : 'SIGKILL');
  }
  process.exit(code);
}

/** File calls that are running at the end have 2 s to return. */
const CALLS_END_TURNS = 40;
const CALLS_END_TURN_MS = 50;

process.on('uncaughtException', crash);
keepAlive();
await end(await main().catch(fail));

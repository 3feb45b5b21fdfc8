// What the log tells when a reload is refused: by the daemon, or by the check before it.
import { ConfigError } from '../config/config-error.ts';
import type { Logger } from '../log/log.ts';
import { errnoOf, explain } from '../system/fault.ts';

/** Logs each problem, and returns the first one. */
export function logRefusal(log: Logger, error: unknown, configFile: string): string {
  const problems = problemsOf(error, configFile);
  const fault = error instanceof ConfigError ? {} : { fault: error };
  for (const problem of problems)
    log.error(
      { event: 'reloadRefused', problem, ...fault },
      `reload refused, the old settings stay: ${problem}`,
    );
  return problems[0];
}

function problemsOf(error: unknown, configFile: string): readonly [string, ...string[]] {
  if (!(error instanceof ConfigError)) return [explain(error)];
  const isMissing = errnoOf(error.cause) === 'ENOENT' && error.problems[0].startsWith(`${configFile}: `);
  if (!isMissing) return error.problems;
  return [`${configFile}: no such file: put it back, then reload again`];
}

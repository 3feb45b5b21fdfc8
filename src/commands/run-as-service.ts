// Runs a command once more, as the service's user from its first instruction, where Node.js does
// not let root become that user within a process. Elsewhere, see as-service-user.
import { spawnSync } from 'node:child_process';
import { readService } from '../system/service.ts';
import { canChangeUser, identityFor } from './as-service-user.ts';
import type { AskContext } from './ask-daemon.ts';
import { findSpoolPath } from './one-setting.ts';

/**
 * The user gets a copy of the key, which only root may read, as the unit gives one to the service.
 * What a terminal sends reaches the command, too; the shell outlives it to remove the copy. setpriv
 * is in util-linux, which no Debian is without.
 */
const SCRIPT = `set -e
umask 077
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
trap : INT TERM HUP
owner=$1
shift
if [ -r "$AWS_SHARED_CREDENTIALS_FILE" ]; then
  cat "$AWS_SHARED_CREDENTIALS_FILE" >"$folder/aws-credentials"
  export AWS_SHARED_CREDENTIALS_FILE="$folder/aws-credentials"
fi
chown -R "$owner" "$folder"
setpriv "$@"`;

/**
 * Returns the exit code of the second run; undefined if the caller itself can do the work.
 * `commandLine` is this process's. Rejects with ConfigError if the config does not name the spool.
 */
export async function runAsService(
  context: AskContext,
  commandLine: readonly string[],
): Promise<number | undefined> {
  if (process.geteuid?.() !== 0 || canChangeUser()) return undefined;
  const identity = identityFor(await findSpoolPath(context), readService(context.env));
  if (identity === undefined) return undefined;
  const { uid, gid, isNamed } = identity;
  const groups = isNamed ? '--init-groups' : '--clear-groups';
  const setpriv = [`--reuid=${uid}`, `--regid=${gid}`, groups, '--', ...commandLine];
  // A process that has an INVOCATION_ID keeps its environment: see service-environment.
  const env = { ...context.env, INVOCATION_ID: context.env.INVOCATION_ID ?? 'run-as-service' };
  const { status } = spawnSync('sh', ['-c', SCRIPT, 'sh', `${uid}:${gid}`, ...setpriv], {
    stdio: 'inherit',
    env,
  });
  // Null after a signal: a shell says it of SIGINT this way.
  return status ?? 130;
}

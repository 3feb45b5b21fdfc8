// Settings for commands that touch files of the spool: refused when it would take what keeps the
// machine, or this very program, going. Other than the config alone can tell: links are followed,
// and what is there is looked at.
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/config-error.ts';
import { type Environment, loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { holds, isOfTheSystem } from '../config/spool-place.ts';
import { errnoOf } from '../system/fault.ts';

/** Rejects with ConfigError. */
export async function loadVettedSettings(configFile: string, env: Environment): Promise<Settings> {
  const settings = await loadSettings(configFile, env);
  const { path } = settings.spool;
  const spool = await realPath(path);
  const refuse = (reason: string) => {
    const shown = spool === path ? '' : `, which is ${spool}`;
    throw new ConfigError([`${configFile}: spool.path = ${JSON.stringify(path)}${shown}: ${reason}`]);
  };
  if (isOfTheSystem(spool))
    refuse('is a folder of the system, and everything in a spool is removed: name one of its own');
  for (const [what, file] of await keptFiles(configFile, env)) {
    if (holds(spool, file))
      refuse(`holds ${what} (${file}), and everything in a spool is removed: name a folder of its own`);
  }
  return settings;
}

/**
 * Where credentials and certificates may come from: variables of the AWS SDK, of systemd and of
 * Node.js.
 */
const FILE_VARIABLES = [
  ...['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CA_BUNDLE'],
  ...[
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'CREDENTIALS_DIRECTORY',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
  ],
];

/** What the program needs to start again, each by what it is and its real path. */
async function keptFiles(
  configFile: string,
  env: Environment,
): Promise<readonly (readonly [string, string])[]> {
  const files: (readonly [string, string])[] = [
    ['the program', fileURLToPath(import.meta.url)],
    ['the program', process.execPath],
    ['its configuration', configFile],
    ['its credentials', join(homedir(), '.aws')],
  ];
  for (const name of FILE_VARIABLES) {
    const file = env[name];
    if (file !== undefined && file !== '') files.push([`what ${name} names`, file]);
  }
  // The name itself counts, too: a link that is removed leads nowhere.
  return (
    await Promise.all(
      files.map(async ([what, file]) => {
        const named = join(await realPath(dirname(resolve(file))), basename(file));
        return [[what, named] as const, [what, await realPath(file)] as const];
      }),
    )
  ).flat();
}

/** With links followed as far as there is anything. */
async function realPath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return dirname(absolute) === absolute
      ? absolute
      : join(await realPath(dirname(absolute)), basename(absolute));
  }
}

// Settings for commands that touch files of the spool. They are refused if draining would remove
// what the machine or this program needs. Unlike the config loader, this follows links and looks at
// what is there.
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/config-error.ts';
import { type Environment, type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { holds, isOfTheSystem } from '../config/spool-place.ts';
import { errnoOf } from '../system/fault.ts';
import { asServiceUser } from './as-service-user.ts';

/** Rejects with ConfigError. */
export async function loadVettedSettings(configFile: string, env: Environment): Promise<Settings> {
  return (await loadVettedConfig(configFile, env)).settings;
}

/** Rejects with ConfigError. */
export async function loadVettedConfig(configFile: string, env: Environment): Promise<LoadedConfig> {
  const config = await loadConfig(configFile, env);
  const { settings, files, options } = config;
  const { path } = settings.spool;
  const spool = await realPath(path);
  const place = options.find(({ option }) => option.key === 'spool.path')?.place ?? configFile;
  const refuse = (reason: string) => {
    const shown = spool === path ? '' : `, which is ${spool}`;
    throw new ConfigError([`${place}: spool.path = ${JSON.stringify(path)}${shown}: ${reason}`]);
  };
  if (isOfTheSystem(spool))
    refuse('is a folder of the system, and everything in a spool is removed: name a separate folder');
  for (const [what, file] of await keptFiles(files, env, settings)) {
    if (holds(spool, file))
      refuse(`holds ${what} (${file}), and everything in a spool is removed: name a separate folder`);
  }
  return config;
}

/**
 * Does the same for commands that root types. It also reads the files as the user of the service,
 * because root may read what the service may not.
 */
export async function loadAsService(configFile: string, env: Environment): Promise<LoadedConfig> {
  const config = await loadVettedConfig(configFile, env);
  const { spool, service } = config.settings;
  if (service.user !== undefined) await asServiceUser(spool.path, service, () => loadConfig(configFile, env));
  return config;
}

/** Variables of the AWS SDK, systemd and Node.js that name credentials and certificates. */
const FILE_VARIABLES = [
  ...['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CA_BUNDLE'],
  ...[
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'CREDENTIALS_DIRECTORY',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
  ],
];

/** What the program needs to start again: descriptions and real paths. */
async function keptFiles(
  configFiles: readonly string[],
  env: Environment,
  { observe: { tokenFile }, ingest: { tokensFile, tls } }: Settings,
): Promise<readonly (readonly [string, string])[]> {
  const files: (readonly [string, string])[] = [
    ['the program', fileURLToPath(import.meta.url)],
    ['the program', process.execPath],
    ...configFiles.map((file) => ['its configuration', file] as const),
    ['its credentials', join(homedir(), '.aws')],
  ];
  if (tokenFile !== undefined) files.push(['the token of observe.tokenFile', tokenFile]);
  if (tokensFile !== undefined) files.push(['the tokens of ingest.tokensFile', tokensFile]);
  if (tls !== undefined)
    files.push(['the certificate of ingest.tls', tls.certificate], ['the key of ingest.tls', tls.key]);
  for (const name of FILE_VARIABLES) {
    const file = env[name];
    if (file !== undefined && file !== '') files.push([`what ${name} names`, file]);
  }
  // The name itself also counts: once a link is removed, it leads nowhere.
  return (
    await Promise.all(
      files.map(async ([what, file]) => {
        const named = join(await realPath(dirname(resolve(file))), basename(file));
        return [[what, named] as const, [what, await realPath(file)] as const];
      }),
    )
  ).flat();
}

/** The path with all links followed, as far as it exists. */
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

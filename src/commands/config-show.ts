// `halfpipe config show`: the value of each option that the daemon would use, and where it comes
// from. Its output is a config file, with the origins as comments.
import type { Writable } from 'node:stream';
import { filesText } from '../config/drop-ins.ts';
import { type EffectiveOption, type Environment, loadConfig } from '../config/load.ts';
import { shownOptions, shownValue } from '../config/shown-options.ts';
import { redactorOf } from '../system/redact.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { serviceFilesOf } from './service-environment.ts';

export interface ConfigShowContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
}

/** The column of the origins, unless a value is longer. */
const COLUMN = 44;

/** Rejects with ConfigError for a config that is refused. */
export async function showConfig(
  { configFile, env, stdout }: ConfigShowContext,
  asJson: boolean,
): Promise<ExitCode> {
  const { options, settings, files } = await loadConfig(configFile, env);
  const { credentialsFile = "the AWS SDK's own chain" } = settings.service;
  const unit = serviceFilesOf(configFile)?.unit;
  const around = { files, environmentOf: unit ?? null, credentialsFrom: credentialsFile };
  const text = asJson ? inJson(options, around) : inYaml(options, around);
  stdout.write(redactorOf(env)(text));
  return EXIT.ok;
}

interface Surroundings {
  /** The config file, then its drop-ins. */
  readonly files: readonly string[];
  /** The unit; null for the shell. */
  readonly environmentOf: string | null;
  readonly credentialsFrom: string;
}

function inJson(
  options: readonly EffectiveOption[],
  { files: [configFile, ...dropIns], ...around }: Surroundings,
): string {
  const entries = options.map((effective) => {
    const { option, place } = effective;
    const from = place === undefined ? 'default' : place === option.env ? 'environment' : 'file';
    const value = shownValue(effective);
    const plain = value instanceof Map ? Object.fromEntries(value) : value;
    return [option.key, { value: plain, from, place: place ?? null, changesNeed: needOf(effective) }];
  });
  const shown = { configFile, dropIns, ...around, options: Object.fromEntries(entries) };
  return `${JSON.stringify(shown, null, 2)}\n`;
}

function needOf({ option: { live } }: EffectiveOption): 'reload' | 'restart' {
  return live ? 'reload' : 'restart';
}

function inYaml(
  options: readonly EffectiveOption[],
  { files, environmentOf, credentialsFrom }: Surroundings,
): string {
  const environment = environmentOf === null ? 'this shell' : `the service ${environmentOf}`;
  const lines = [
    `# ${filesText(files)}, with the environment of ${environment}.`,
    `# The key to upload with comes from ${credentialsFrom}.`,
  ];
  let last = '';
  for (const { key, value, origin } of shownOptions(options)) {
    const [section = '', name = ''] = key.split('.');
    if (section !== last) lines.push(`${section}:`);
    last = section;
    lines.push(`${`  ${name}: ${value}`.trimEnd().padEnd(COLUMN)}  # ${origin}`);
  }
  return `${lines.join('\n')}\n`;
}

// The options that stand behind commands: their values, and their lines of help.
import { duration, type Format, wholeNumber } from '../config/formats.ts';
import { tokenPrefix } from '../ingest/token-rules.ts';

export interface OptionSpec<T> {
  /** What stands for the value in help; undefined for a switch. */
  readonly value?: string;
  /** Reads the value. Throws RangeError, whose message completes "--name". */
  readonly accepts?: Format<T>;
  /** What completes the value: one of these words, or a file. */
  readonly completes?: 'file' | readonly string[];
  /** One line of help. */
  readonly does: string;
}

const text: Format<string> = (value) => String(value);

/**
 * systemd accepts these characters in the name of an instance. Its config file must not begin with
 * a dot.
 */
const instanceName: Format<string> = (value) => {
  const name = String(value);
  if (name === 'halfpipe') throw new RangeError('is for halfpipe@NAME: leave it out for the main service');
  if (/^(?![.-])[A-Za-z0-9:_.-]{1,200}$/.test(name)) return name;
  throw new RangeError('must be the NAME of a service halfpipe@NAME, such as door');
};

const OPTIONS = {
  config: {
    value: 'FILE',
    accepts: text,
    completes: 'file',
    does: 'the config file [/etc/halfpipe/halfpipe.yaml]',
  },
  instance: {
    value: 'NAME',
    accepts: instanceName,
    does: 'the service halfpipe@NAME, with its config, environment and key',
  },
  json: { does: 'print JSON for programs' },
  all: { does: 'every file in quarantine' },
  yes: { does: 'do not ask' },
  limit: { value: 'N', accepts: wholeNumber(1, 1_000_000), does: 'print at most N files' },
  'config-only': { does: 'read the config only, and send nothing' },
  for: { value: 'TIME', accepts: duration('1 s', '31 d'), does: 'only for this long, such as 30m or 2h' },
  since: {
    value: 'TIME',
    accepts: duration('1 s', '36500 d'),
    does: 'only what went up within this time, such as 24h or 7d',
  },
  prefix: {
    value: 'FOLDER/',
    accepts: tokenPrefix,
    does: 'only below this folder of the spool, such as camera-7/',
  },
  expires: {
    value: 'TIME',
    accepts: duration('1 min', '36500 d'),
    does: 'only for this long, such as 12h or 90d [for ever]',
  },
  'read-back': { does: 'read every object in full and compare its bytes' },
  unpack: { does: 'bring every file of the packet, into the folder DIR' },
  output: { value: 'FILE', accepts: text, completes: 'file', does: 'write to this new file' },
  help: { does: 'print this help; -h is short for it' },
  version: { does: 'print the version' },
} satisfies Readonly<Record<string, OptionSpec<unknown>>>;

export type OptionName = keyof typeof OPTIONS;
/** An option that was not given is absent. The value of a switch is true. */
export type OptionValues = {
  readonly [N in OptionName]?: (typeof OPTIONS)[N] extends { accepts: Format<infer T> } ? T : true;
};

export const options: Readonly<Record<OptionName, OptionSpec<unknown>>> = OPTIONS;
export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

// How the service manager runs halfpipe, as far as hints need to know: what to type, and whether a
// reload sees a changed file. Pure functions: the environment is an argument.

export interface Service {
  /** `halfpipe` or `halfpipe@NAME`. */
  readonly unit: string;
  /** The user of the service, for commands that root types; undefined in the service itself. */
  readonly user: string | undefined;
  /** The group of the service, if that is not the user's own. */
  readonly group: string | undefined;
  /** True if a service manager started this process. */
  readonly isManaged: boolean;
  /** The file that holds the key; undefined if only the SDK's chain names one. */
  readonly credentialsFile: string | undefined;
  /** The command that makes a changed key take effect. */
  readonly afterNewKey: string;
}

/** The file that the units pass on as credentials unless they name another. */
const USUAL_CREDENTIALS_FILE = '/etc/halfpipe/aws-credentials';

export function readService(env: Readonly<Record<string, string | undefined>>): Service {
  const unit = env.HALFPIPE_UNIT || 'halfpipe';
  const folder = env.CREDENTIALS_DIRECTORY || undefined;
  const file = env.AWS_SHARED_CREDENTIALS_FILE || undefined;
  // systemd makes that copy at the start, and no reload renews it. The shipped units copy it
  // further, and a reload can renew that copy.
  const isCopyOfStart =
    (folder !== undefined && file?.startsWith(`${folder}/`) === true) || env.HALFPIPE_CREDENTIALS === '';
  const isInEnvironment = Boolean(env.AWS_ACCESS_KEY_ID);
  const verb = isCopyOfStart || isInEnvironment ? 'restart' : 'reload';
  return {
    unit,
    user: env.HALFPIPE_USER || undefined,
    group: env.HALFPIPE_GROUP || undefined,
    isManaged: Boolean(env.INVOCATION_ID || folder || env.HALFPIPE_UNIT),
    credentialsFile: env.HALFPIPE_CREDENTIALS || (folder === undefined ? file : USUAL_CREDENTIALS_FILE),
    afterNewKey: `systemctl ${verb} ${unit}`,
  };
}

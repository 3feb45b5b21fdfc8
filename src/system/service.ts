// How the service manager runs us, as far as a hint must know: what to type, and whether a changed
// file is seen by a reload. Pure: the environment is an argument.

export interface Service {
  /** `halfpipe`, or `halfpipe@NAME`. */
  readonly unit: string;
  /** Who the service runs as, for the commands that root types; undefined in the service itself. */
  readonly user: string | undefined;
  /** Its group, where that is not the user's own. */
  readonly group: string | undefined;
  /** Whether a service manager started us. */
  readonly isManaged: boolean;
  /** The file that holds the key; undefined where nothing but the SDK's chain names one. */
  readonly credentialsFile: string | undefined;
  /** What makes a changed key take effect. */
  readonly afterNewKey: string;
}

/** The file that the units hand over as credentials, where they do not say. */
const USUAL_CREDENTIALS_FILE = '/etc/halfpipe/aws-credentials';

export function readService(env: Readonly<Record<string, string | undefined>>): Service {
  const unit = env.HALFPIPE_UNIT || 'halfpipe';
  const folder = env.CREDENTIALS_DIRECTORY || undefined;
  const file = env.AWS_SHARED_CREDENTIALS_FILE || undefined;
  // systemd makes that copy at the start, and no reload renews it. The shipped units copy it on,
  // which a reload can renew.
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

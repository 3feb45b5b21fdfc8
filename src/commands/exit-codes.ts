// The exit codes for the shell and systemd.

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** EX_CONFIG in sysexits.h. The unit does not restart on it, because trying again cannot help. */
  badConfiguration: 78,
} as const;

/** 3 is one of those of `halfpipe status`. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT] | 3;

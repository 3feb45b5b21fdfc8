// The exit codes for the shell and systemd.

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** EX_CONFIG in sysexits.h. The unit does not restart on it, because trying again cannot help. */
  badConfiguration: 78,
} as const;

/** Those of `halfpipe status`. */
export const STATUS_EXIT = { healthy: 0, degraded: 1, 'not-running': 2, 'no-spool': 3, failed: 1 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT] | (typeof STATUS_EXIT)[keyof typeof STATUS_EXIT];

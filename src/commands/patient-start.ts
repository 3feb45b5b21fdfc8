// Starts the daemon again and again, in one process, while what it needs is missing. Each restart
// by systemd costs a start of Node.js and half a dozen lines in the journal.
import { CAPACITY_UNKNOWN } from '../link/capacity.ts';
import type { Logger } from '../log/log.ts';
import type { SdNotifier } from '../service/sd-notify.ts';
import type { Clock } from '../system/clock.ts';
import { errnoOf, explain, Fault } from '../system/fault.ts';

export interface PatientStartPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly log: Pick<Logger, 'error'>;
  readonly notifier: Pick<SdNotifier, 'status' | 'extendTimeout'>;
  /** False if the start is to fail at once, because an operator waits for it. */
  readonly mayWait: () => Promise<boolean>;
  /** Ends the waiting: a signal has come. */
  readonly interrupted: AbortSignal;
}

/** The same as the unit's RestartSec=, for a minute. */
const SOON_MS = 2_000;
const SOON_ATTEMPTS = 30;
const LATER_MS = 10_000;
/** More than an attempt and the wait before it. systemd would end a start that takes longer. */
const EXTENSION_MS = 90_000;
/** The same reason is logged again after this time. */
const SAME_REASON_MS = 60 * 60_000;
const OTHER_REASON_MS = 60_000;

/**
 * Resolves with `started`, or with `interrupted` during a wait. Rejects with the error of an
 * attempt if it must not wait, or if only another config or another process can help.
 */
export async function startPatiently(
  start: () => Promise<void>,
  { clock, log, notifier, mayWait, interrupted }: PatientStartPorts,
): Promise<'started' | 'interrupted'> {
  let told = '';
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let wasReadOnly = false;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await start();
      return 'started';
    } catch (error) {
      if (!(error instanceof Fault) || error.code === CAPACITY_UNKNOWN) throw error;
      if (attempt === 0 && !(await mayWait())) throw error;
      // A folder that was missing when the process began is there, and the unit's sandbox lets only
      // a new process write to it (ReadWritePaths=).
      if (isReadOnly(error) && !wasReadOnly && attempt > 0) throw error;
      wasReadOnly = isReadOnly(error);
      const text = `cannot start: ${explain(error)}`;
      const agoMs = clock.monotonicMs() - toldAtMs;
      if (agoMs >= (text === told ? SAME_REASON_MS : OTHER_REASON_MS)) {
        [told, toldAtMs] = [text, clock.monotonicMs()];
        log.error({ event: 'cannotStart', fault: error }, `${text}; halfpipe tries again by itself`);
      }
      notifier.status(`${text} · halfpipe tries again by itself`);
      await notifier.extendTimeout(EXTENSION_MS);
    }
    const waitMs = attempt < SOON_ATTEMPTS ? SOON_MS : LATER_MS;
    await clock.sleep(waitMs, interrupted).catch(() => undefined);
    if (interrupted.aborted) return 'interrupted';
  }
}

function isReadOnly({ code, cause }: Fault): boolean {
  return code === 'EROFS' || errnoOf(cause) === 'EROFS';
}

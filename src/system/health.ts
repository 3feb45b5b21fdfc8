// The watchdog, bound to progress: systemd hears a sign of life only while every part that must make progress
// does. A part that hangs thus ends in a restart, which is safe: what was in flight is found in the spool again.
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

/** How often progress is looked at when there is no watchdog: then for the log alone. */
const CHECK_WITHOUT_WATCHDOG_MS = 10_000;

/** Given to one part, which calls `beat` whenever its loop has come round, with work or without. */
export interface Heartbeat {
  beat(): void;
  /** From here on the part is not expected to beat. */
  end(): void;
}

export interface HealthOptions {
  readonly clock: Clock;
  /** Undefined: no watchdog. See `watchdogMs`. */
  readonly watchdogMs: number | undefined;
  /** Tells the manager that all is well. */
  readonly ping: () => void;
  readonly log: Logger;
}

interface Part {
  readonly name: string;
  readonly maxSilenceMs: () => number;
  beatAtMs: number;
  stale: boolean;
}

export class Health {
  readonly #options: HealthOptions;
  readonly #checkMs: number;
  readonly #parts = new Set<Part>();
  #checkedAtMs = 0;
  #cancel: () => void = () => undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    // sd_watchdog_enabled(3) recommends half the time after which the manager acts.
    this.#checkMs = options.watchdogMs === undefined ? CHECK_WITHOUT_WATCHDOG_MS : options.watchdogMs / 2;
  }

  /** The part `name` counts as hung when it does not beat for `maxSilenceMs`, which may change. It begins fresh. */
  register(name: string, maxSilenceMs: () => number): Heartbeat {
    const part: Part = { name, maxSilenceMs, beatAtMs: this.#options.clock.monotonicMs(), stale: false };
    this.#parts.add(part);
    return {
      beat: () => {
        part.beatAtMs = this.#options.clock.monotonicMs();
      },
      end: () => {
        this.#parts.delete(part);
      },
    };
  }

  start(): void {
    this.#checkedAtMs = this.#options.clock.monotonicMs();
    this.#options.ping();
    this.#scheduleCheck();
  }

  stop(): void {
    this.#cancel();
  }

  #scheduleCheck(): void {
    this.#cancel = this.#options.clock.schedule(this.#checkMs, () => {
      this.#check();
      this.#scheduleCheck();
    });
  }

  #check(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const roundMs = nowMs - this.#checkedAtMs;
    this.#checkedAtMs = nowMs;
    for (const part of this.#parts) {
      // A round twice as long as asked for was held up with the whole process (SIGSTOP): nobody's silence.
      if (roundMs > 2 * this.#checkMs) part.beatAtMs = Math.min(part.beatAtMs + roundMs, nowMs);
      this.#judge(part, Math.round(nowMs - part.beatAtMs));
    }
    if ([...this.#parts].every(({ stale }) => !stale)) this.#options.ping();
  }

  #judge(part: Part, silenceMs: number): void {
    const maxSilenceMs = part.maxSilenceMs();
    const stale = silenceMs > maxSilenceMs;
    if (stale === part.stale) return;
    part.stale = stale;
    const { name } = part;
    if (stale) {
      const consequence =
        this.#options.watchdogMs === undefined ? '' : '; systemd will restart us unless it recovers';
      const message = `${name} has made no progress for ${Math.round(silenceMs / 1000)} s${consequence}`;
      this.#options.log.error({ event: 'stalled', part: name, silenceMs, maxSilenceMs }, message);
    } else {
      this.#options.log.info({ event: 'recovered', part: name }, `${name} makes progress again`);
    }
  }
}

/** The manager's watchdog period, or undefined when there is none or it is meant for another process: sd_watchdog_enabled(3). */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  const usec = Number(WATCHDOG_USEC);
  if (WATCHDOG_USEC === undefined || !Number.isSafeInteger(usec) || usec <= 0) return undefined;
  return WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid) ? usec / 1000 : undefined;
}

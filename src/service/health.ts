// The watchdog, bound to progress.

import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';

/** Without a watchdog, progress is checked this often, only for the log. */
const CHECK_WITHOUT_WATCHDOG_MS = 10_000;
/**
 * How many signs of life the manager gets in its period. sd_watchdog_enabled(3) recommends two.
 * With four, a process that stands still for up to three quarters of the period, for example in a
 * swap storm, is still in time.
 */
const PINGS_PER_PERIOD = 4;
/** A silent part is looked at again after this time. If it is still silent, it counts as hung. */
const LOOK_AGAIN_MS = 1_000;
/**
 * A check that is later than this was delayed together with the whole process. Timers of a busy
 * process are a few ms late.
 */
const LATE_MS = 500;

/** Belongs to one part, which calls beat() each time its loop comes round, with or without work. */
export interface Heartbeat {
  beat(): void;
  /** From now on, the part is not expected to beat. */
  end(): void;
}

export interface HealthPorts {
  readonly clock: Clock;
  /** Undefined without a watchdog; see watchdogMs(). */
  readonly watchdogMs: number | undefined;
  /** Tells the manager that all is well. */
  readonly ping: () => void;
  readonly log: Logger;
}

interface Part {
  readonly name: string;
  readonly maxSilenceMs: () => number;
  beatAtMs: number;
  /** Silent at the last look. */
  silent: boolean;
  /** Silent at two looks in a row, and reported. */
  stalled: boolean;
}

/**
 * The manager gets a sign of life only while every registered part makes progress. So a part that
 * hangs leads to a restart. That is safe, because files in flight are still in the spool. Monotonic
 * clock; time in which the whole process stood still does not count.
 */
export class Health {
  readonly #ports: HealthPorts;
  readonly #checkMs: number;
  readonly #parts = new Set<Part>();
  readonly #checks: Repeat;
  #checkedMs = 0;
  /** From then to the next check. */
  #pauseMs: number;

  constructor(ports: HealthPorts) {
    this.#ports = ports;
    const { watchdogMs } = ports;
    this.#checkMs = watchdogMs === undefined ? CHECK_WITHOUT_WATCHDOG_MS : watchdogMs / PINGS_PER_PERIOD;
    this.#pauseMs = this.#checkMs;
    this.#checks = new Repeat(
      ports.clock,
      () => this.#check(),
      () => this.#pauseMs,
    );
  }

  /**
   * Registers a part. It counts as hung when it does not beat for `maxSilenceMs`, which may change.
   * Its silence begins now.
   */
  register(name: string, maxSilenceMs: () => number): Heartbeat {
    const beatAtMs = this.#ports.clock.monotonicMs();
    const part: Part = { name, maxSilenceMs, beatAtMs, silent: false, stalled: false };
    this.#parts.add(part);
    return {
      beat: () => {
        part.beatAtMs = this.#ports.clock.monotonicMs();
      },
      end: () => {
        this.#parts.delete(part);
      },
    };
  }

  start(): void {
    this.#ports.ping();
    this.#checkedMs = this.#ports.clock.monotonicMs();
    this.#checks.start();
  }

  stop(): void {
    void this.#checks.stop();
  }

  #check(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const lateMs = nowMs - this.#checkedMs - this.#pauseMs;
    this.#checkedMs = nowMs;
    // The whole process stood still for this time (SIGSTOP, a paused machine, a swap storm), so no
    // part could beat.
    if (lateMs > LATE_MS)
      for (const part of this.#parts) part.beatAtMs = Math.min(part.beatAtMs + lateMs, nowMs);
    for (const part of this.#parts) this.#judge(part, Math.round(nowMs - part.beatAtMs));
    const isInDoubt = [...this.#parts].some(({ silent }) => silent);
    if (!isInDoubt) this.#ports.ping();
    this.#pauseMs = isInDoubt ? Math.min(LOOK_AGAIN_MS, this.#checkMs) : this.#checkMs;
  }

  #judge(part: Part, silenceMs: number): void {
    const { name } = part;
    const maxSilenceMs = part.maxSilenceMs();
    const wasSilent = part.silent;
    part.silent = silenceMs > maxSilenceMs;
    if (part.silent && wasSilent && !part.stalled) {
      part.stalled = true;
      const consequence =
        this.#ports.watchdogMs === undefined ? '' : '; systemd will restart us unless it recovers';
      const message = `${name} has made no progress for ${Math.round(silenceMs / 1000)} s${consequence}`;
      this.#ports.log.error({ event: 'stalled', part: name, silenceMs, maxSilenceMs }, message);
    } else if (!part.silent && part.stalled) {
      part.stalled = false;
      this.#ports.log.info({ event: 'recovered', part: name }, `${name} makes progress again`);
    }
  }
}

/**
 * The manager's watchdog period in milliseconds; undefined if there is none or it is meant for
 * another process. See sd_watchdog_enabled(3).
 */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  const usec = Number(WATCHDOG_USEC);
  if (WATCHDOG_USEC === undefined || !Number.isSafeInteger(usec) || usec <= 0) return undefined;
  return WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid) ? usec / 1000 : undefined;
}

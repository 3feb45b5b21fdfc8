// Writes the log: one record for each file, one line for a storm of one fault, one for each change
// of state.
import type { Logger } from '../log/log.ts';
import { OncePerKind } from '../log/once-per-kind.ts';
import type { Clock } from '../system/clock.ts';
import type { DaemonEvent, Listener } from './daemon-event.ts';
import { debugLines } from './debug-lines.ts';
import { drainLines } from './drain-lines.ts';
import { fileLines } from './file-lines.ts';
import { linkLines } from './link-lines.ts';
import { observeLines } from './observe-lines.ts';
import { spoolLines } from './spool-lines.ts';
import { steeringLines } from './steering-lines.ts';
import { summaryLines } from './summary-lines.ts';

/** A fault that keeps happening gets one line in this time. */
const FAULT_PERIOD_MS = 60_000;

/**
 * The listener that writes the log. Each group of events has its own file of lines. A message is
 * for people; `event` is the record's name for programs.
 */
export class Reporter {
  readonly #faults: OncePerKind;
  readonly #lines: readonly Listener[];

  constructor(clock: Clock, log: Logger) {
    this.#faults = new OncePerKind(clock, FAULT_PERIOD_MS);
    this.#lines = [
      fileLines(log, this.#faults),
      drainLines(log, this.#faults),
      spoolLines(log),
      linkLines(log),
      observeLines(log),
      steeringLines(clock, log),
      summaryLines(clock, log),
      debugLines(log),
    ];
  }

  readonly hear = (event: DaemonEvent): void => {
    for (const tell of this.#lines) tell(event);
  };

  /** Logs the repetitions that were held back. */
  stop(): void {
    this.#faults.stop();
  }
}

// Writes the log: one record for each file, one line for a storm of one fault, one for each change
// of state.
import type { Logger } from '../log/log.ts';
import { NamedFiles } from '../log/named-files.ts';
import type { Clock } from '../system/clock.ts';
import type { DaemonEvent, Listener } from './daemon-event.ts';
import { DayLines } from './day-lines.ts';
import { debugLines } from './debug-lines.ts';
import { drainLines } from './drain-lines.ts';
import { fileLines } from './file-lines.ts';
import { IngestLines } from './ingest-lines.ts';
import { linkLines } from './link-lines.ts';
import { observeLines } from './observe-lines.ts';
import { packetLines } from './packet-lines.ts';
import { problemLines } from './problem-lines.ts';
import { spoolLines } from './spool-lines.ts';
import { SteadyLog } from './steady-log.ts';
import { steeringLines } from './steering-lines.ts';
import { summaryLines } from './summary-lines.ts';

/** A kind of failure that concerns many files gets one line in this time. */
const NAMES_PERIOD_MS = 60_000;
/** Names of refused uploads are chosen by clients, and may be long. */
const REFUSED_NAMES_MAX = 200;

/**
 * The listener that writes the log. Each group of events has its own file of lines. A message is
 * for people; `event` is the record's name for programs.
 */
export class Reporter {
  readonly #log: SteadyLog;
  readonly #named: NamedFiles;
  readonly #refused: NamedFiles;
  readonly #ingest: IngestLines;
  readonly #day: DayLines;
  readonly #lines: readonly Listener[];

  constructor(clock: Clock, log: Logger) {
    const steady = new SteadyLog(clock, log);
    this.#log = steady;
    this.#named = new NamedFiles(clock, NAMES_PERIOD_MS);
    this.#refused = new NamedFiles(clock, NAMES_PERIOD_MS, REFUSED_NAMES_MAX);
    this.#ingest = new IngestLines(clock, steady, this.#refused);
    this.#day = new DayLines(clock, steady);
    this.#lines = [
      fileLines(steady, this.#named),
      packetLines(steady),
      drainLines(steady),
      spoolLines(steady),
      this.#ingest.hear,
      linkLines(steady),
      observeLines(steady),
      steeringLines(clock, steady),
      problemLines(clock, steady),
      summaryLines(clock, steady),
      this.#day.hear,
      debugLines(steady),
    ];
  }

  readonly hear = (event: DaemonEvent): void => {
    for (const tell of this.#lines) tell(event);
  };

  /** Logs what was held back, and what went up in this run. */
  stop(): void {
    this.#named.stop();
    this.#refused.stop();
    this.#ingest.stop();
    this.#log.stop();
    this.#day.stop();
  }
}

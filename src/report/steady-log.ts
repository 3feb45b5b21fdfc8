// The log as the reporter's lines write to it: no line more than once a minute for one state. Every
// line passes here, so that a new kind of line needs no rule of its own.
import type { EventFields, Logger, LogLevel } from '../log/log.ts';
import { type LineState, OncePerState } from '../log/once-per-state.ts';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';

const PERIOD_MS = 60_000;

/**
 * Lines that tell no state: what became of a file, the answer to an operator, and lines that keep a
 * period of their own.
 */
const FACTS: ReadonlySet<string> = new Set([
  ...['uploaded', 'alreadyThere', 'quarantined'],
  ...['reloaded', 'restartNeeded', 'pausedByOperator', 'resumedByOperator', 'share', 'observing'],
  ...['deferred', 'stillWritten', 'summary', 'day', 'run', 'problem', 'problemOver'],
  ...['ingestListening', 'ingested', 'ingestRefused'],
]);

/** Events that tell of one condition that it is bad, or good again. */
const CONDITIONS: Readonly<Record<string, string>> = {
  ...{ degraded: 'measured', linkUnsure: 'linkFound', scanFailed: 'scanRecovered' },
  ...{ paused: 'resumed', folderHeld: 'folderFreed', writersUnseen: 'writersSeen' },
  ...{ slowLine: 'lineKeepsUp', ingestBroke: 'ingestBack', ingestDown: 'ingestBack' },
  observeDown: 'observeBack',
};

/** Fields that tell what a line is about, where one event has many subjects. */
const SUBJECTS = ['what', 'file', 'folder', 'operation', 'interface'] as const;

/** Passes on what is news. Debug lines pass unchanged: they are asked for. */
export class SteadyLog implements Logger {
  readonly #log: Logger;
  readonly #states: OncePerState;

  constructor(clock: Clock, log: Logger) {
    this.#log = log;
    this.#states = new OncePerState(clock, PERIOD_MS);
  }

  get level(): LogLevel {
    return this.#log.level;
  }

  set level(level: LogLevel) {
    this.#log.level = level;
  }

  debug(fields: EventFields, message: string): void {
    this.#log.debug(fields, message);
  }

  info(fields: EventFields, message: string): void {
    this.#note('info', fields, message);
  }

  warn(fields: EventFields, message: string): void {
    this.#note('warn', fields, message);
  }

  error(fields: EventFields, message: string): void {
    this.#note('error', fields, message);
  }

  fatal(fields: EventFields, message: string): void {
    this.#log.fatal(fields, message);
  }

  /** Writes what was held back and is still so. */
  stop(): void {
    this.#states.stop();
  }

  #note(level: 'info' | 'warn' | 'error', fields: EventFields, message: string): void {
    if (FACTS.has(fields.event)) return this.#log[level](fields, message);
    this.#states.note(stateOf(fields, message), (repeats) => {
      const times = repeats > 1 ? `; ${repeats} times in the last minute` : '';
      this.#log[level](repeats === 0 ? fields : { ...fields, repeats }, `${message}${times}`);
    });
  }
}

/** The condition is known by its subject; a notice, which has none, by its words. */
function stateOf(fields: EventFields, message: string): LineState {
  const { event, fault } = fields;
  const subjects = SUBJECTS.map((name) => fields[name]).filter((value) => value !== undefined);
  const condition = [CONDITIONS[event] ?? event, ...subjects].join(' ');
  const isNotice = event === 'notice' || event === 'linkWarning' || event === 'problem';
  const reason = fault instanceof Fault ? `${fault.code}` : isNotice ? message : '';
  return { condition: isNotice ? `${condition} ${message}` : condition, state: `${event} ${reason}` };
}

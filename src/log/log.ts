// The log. Lines go to stdout, where systemd, a container or a terminal reads them; journald gets
// entries. A record is cleaned before pino sees it and rendered afterwards, so nothing bypasses the
// cleaning.
import { fstatSync } from 'node:fs';
import { pino } from 'pino';
import type { Clock } from '../system/clock.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { type Redact, redactorOf } from '../system/redact.ts';
import { JournalRelay } from './journal-relay.ts';
import { LineSink, type LineSinkPorts, type LogStream } from './line-sink.ts';
import { journalPrefix, type LineForm, renderLine } from './log-line.ts';
import { type LogFields, plainFields, plainText } from './log-record.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type LogFormat = 'auto' | 'json' | 'text';

/**
 * `event` is the record's name for programs. An Error in any field becomes fields (class, code,
 * hint, causes).
 */
export interface EventFields extends LogFields {
  readonly event: string;
  readonly level?: never;
  readonly time?: never;
  readonly msg?: never;
}

/**
 * `message` must say everything that a reader needs. As text, an `info` line shows only the
 * message; other levels add the fields that the message does not quote. Logging never waits and
 * never throws.
 */
export interface Logger {
  /** May be changed at any time. Records below it cost almost nothing. */
  level: LogLevel;
  debug(fields: EventFields, message: string): void;
  info(fields: EventFields, message: string): void;
  warn(fields: EventFields, message: string): void;
  error(fields: EventFields, message: string): void;
  fatal(fields: EventFields, message: string): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /**
   * `auto`: entries with fields to journald, text on a terminal, JSON otherwise. Lines for journald
   * begin with their priority.
   */
  readonly format: LogFormat;
  /** Read for JOURNAL_STREAM, and for the secrets it holds: these are never logged. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout?: LogStream;
  readonly clock?: Clock;
  /** See LineSinkPorts. */
  readonly atTurnsEnd?: LineSinkPorts['atTurnsEnd'];
}

/** Call once in a process: the logger stays attached to stdout. */
export function createLogger(options: LogOptions): ProcessLogger {
  const { env, stdout = process.stdout, clock = systemClock, atTurnsEnd = setImmediate } = options;
  const journal = isJournal(env.JOURNAL_STREAM, stdout.fd);
  const form = lineForm(options.format, journal, stdout.isTTY === true);
  const line = (record: string) => (journal ? journalPrefix(levelOf(record)) : '') + renderLine(form, record);
  const relay = journal && options.format === 'auto' ? new JournalRelay(stdout, line) : undefined;
  relay?.start();
  const render = relay === undefined ? line : (record: string) => record;
  const lostNotice = (lines: number) =>
    render(
      JSON.stringify({
        level: 'warn',
        time: isoTime(clock),
        event: 'logLost',
        lines,
        msg: `${lines} log lines lost: the reader of the log is too slow`,
      }),
    );
  const sink = new LineSink(relay ?? stdout, clock, { atTurnsEnd, lostNotice });
  sink.start();
  return new ProcessLogger(options.level, clock, sink, render, redactorOf(env));
}

/** The logger of this process: pino, with cleaned records, into a LineSink. */
export class ProcessLogger implements Logger {
  readonly #pino;
  readonly #sink: LineSink;
  readonly #redact: Redact;

  constructor(
    level: LogLevel,
    clock: Clock,
    sink: LineSink,
    render: (record: string) => string,
    redact: Redact,
  ) {
    this.#sink = sink;
    this.#redact = redact;
    const write = (record: string) => sink.write(render(record.trimEnd()), isUrgent(record));
    this.#pino = pino(
      {
        level,
        // The journal knows the pid and the host. Other readers can add them.
        base: null,
        timestamp: () => `,"time":"${isoTime(clock)}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write },
    );
  }

  get level(): LogLevel {
    return this.#pino.level as LogLevel;
  }

  set level(level: LogLevel) {
    this.#pino.level = level;
  }

  debug(fields: EventFields, message: string): void {
    this.#log('debug', fields, message);
  }

  info(fields: EventFields, message: string): void {
    this.#log('info', fields, message);
  }

  warn(fields: EventFields, message: string): void {
    this.#log('warn', fields, message);
  }

  error(fields: EventFields, message: string): void {
    this.#log('error', fields, message);
  }

  fatal(fields: EventFields, message: string): void {
    this.#log('fatal', fields, message);
  }

  /**
   * Call before the process exits. Resolves when every line has been taken, and after a second at
   * the latest.
   */
  flush(): Promise<void> {
    return this.#sink.flush();
  }

  /** Call when the process exits: writes what waits for the end of the turn. */
  writeBatch(): void {
    this.#sink.writeBatch();
  }

  #log(level: LogLevel, fields: EventFields, message: string): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#pino[level](plainFields(fields, this.#redact), plainText(message, this.#redact));
  }
}

/** Trouble is written at once: the process may be about to end. */
function isUrgent(record: string): boolean {
  const level = levelOf(record);
  return level !== 'info' && level !== 'debug';
}

/** pino writes the level first. */
function levelOf(record: string): string {
  return /^\{"level":"(\w+)"/.exec(record)?.[1] ?? 'info';
}

function isoTime(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString();
}

function lineForm(format: LogFormat, journal: boolean, terminal: boolean): LineForm {
  if (format === 'json' || (format === 'auto' && !terminal && !journal)) return 'json';
  return journal ? 'journal-text' : 'text';
}

/**
 * systemd.exec(5): children inherit JOURNAL_STREAM, but their stdout may lead elsewhere. So device
 * and inode must match.
 */
function isJournal(journalStream: string | undefined, fd: number | undefined): boolean {
  if (journalStream === undefined || fd === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return journalStream === `${dev}:${ino}`;
  } catch (error) {
    // A process may be started with stdout closed.
    if (errnoOf(error) === 'EBADF') return false;
    throw error;
  }
}

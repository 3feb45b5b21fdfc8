// A logger that keeps its records.
import type { EventFields, Logger, LogLevel } from '../../src/log/log.ts';

export class KeptLog implements Logger {
  level: LogLevel = 'debug';
  readonly records: {
    readonly level: LogLevel;
    readonly fields: EventFields;
    readonly message: string;
  }[] = [];

  debug(fields: EventFields, message: string): void {
    this.records.push({ level: 'debug', fields, message });
  }

  info(fields: EventFields, message: string): void {
    this.records.push({ level: 'info', fields, message });
  }

  warn(fields: EventFields, message: string): void {
    this.records.push({ level: 'warn', fields, message });
  }

  error(fields: EventFields, message: string): void {
    this.records.push({ level: 'error', fields, message });
  }

  fatal(fields: EventFields, message: string): void {
    this.records.push({ level: 'fatal', fields, message });
  }

  get events(): string[] {
    return this.records.map(({ fields }) => fields.event);
  }
}

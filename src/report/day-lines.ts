// One line a day, and one at the end of the run, with what went up.
import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import {
  readableCount,
  readableDuration,
  readableFiles,
  readablePackets,
  readableRate,
  readableSize,
} from '../view/readable.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { uploadedFiles } from './uploaded-files.ts';

/** What happened in a day or in the run. */
class Tally {
  readonly #sinceMs: number;
  #files = 0;
  #bytes = 0;
  #packets = 0;
  #alreadyThere = 0;
  #failures = 0;
  #quarantined = 0;

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  hear(event: DaemonEvent): void {
    if (event.kind === 'uploaded') {
      const { files, bytes, members } = uploadedFiles(event);
      if (event.transferred.outcome === 'stored') {
        this.#files += files;
        this.#bytes += bytes;
        if (members !== undefined) this.#packets += 1;
      } else this.#alreadyThere += files;
    } else if (event.kind === 'deferred') this.#failures += 1;
    else if (event.kind === 'quarantined' || event.kind === 'superseded') this.#quarantined += 1;
  }

  fields(nowMs: number) {
    const lastedMs = Math.max(1, nowMs - this.#sinceMs);
    return {
      ...{ files: this.#files, bytes: this.#bytes, alreadyThereFiles: this.#alreadyThere },
      packets: this.#packets,
      ...{ failures: this.#failures, quarantinedFiles: this.#quarantined, lastedMs: Math.round(lastedMs) },
      bitsPerSec: Math.round((this.#bytes * 8_000) / lastedMs),
    };
  }

  text(nowMs: number): string {
    const { bitsPerSec } = this.fields(nowMs);
    const rate = this.#bytes === 0 ? '' : `, ${readableRate(bitsPerSec)} on average`;
    const packets = this.#packets === 0 ? '' : `, with ${readablePackets(this.#packets)}`;
    const there =
      this.#alreadyThere === 0 ? '' : `; already in the bucket: ${readableFiles(this.#alreadyThere)}`;
    const failures = this.#failures === 1 ? '1 failure' : `${readableCount(this.#failures)} failures`;
    const troubles = `${failures}, ${readableFiles(this.#quarantined)} to quarantine`;
    return `uploaded ${readableFiles(this.#files)}, ${readableSize(this.#bytes)}${packets}${rate}${there}; ${troubles}`;
  }
}

/**
 * Tells at local midnight what went up in the day that has ended, whether it had 23, 24 or 25
 * hours. A wall clock that is set back within the day, or to an earlier day, ends no day.
 */
export class DayLines {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #run: Tally;
  #day: string;
  #tally: Tally;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.#day = dayOf(clock.wallMs());
    this.#run = new Tally(clock.monotonicMs());
    this.#tally = new Tally(clock.monotonicMs());
  }

  readonly hear = (event: DaemonEvent): void => {
    // `state` comes every two seconds, so that the day ends in time.
    if (event.kind === 'state') return this.#look();
    for (const tally of [this.#run, this.#tally]) tally.hear(event);
  };

  /** Tells what went up in the run. */
  stop(): void {
    const nowMs = this.#clock.monotonicMs();
    const fields = this.#run.fields(nowMs);
    const text = `in this run of ${readableDuration(fields.lastedMs)}: ${this.#run.text(nowMs)}`;
    this.#log.info({ event: 'run', ...fields }, text);
  }

  #look(): void {
    const day = dayOf(this.#clock.wallMs());
    if (day <= this.#day) return;
    const nowMs = this.#clock.monotonicMs();
    const fields = { event: 'day', day: this.#day, ...this.#tally.fields(nowMs) };
    this.#log.info(fields, `on ${this.#day}: ${this.#tally.text(nowMs)}`);
    this.#day = day;
    this.#tally = new Tally(nowMs);
  }
}

/** `2026-11-27`, in local time. Later days are greater. */
function dayOf(wallMs: number): string {
  const at = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

// Tells people what happens: one record a file, one line for a storm of one fault, one for each
// change of state. Log messages are for people; `event` is the record's name for programs.
import { basename } from 'node:path';
import type { BacklogReport } from '../backlog/backlog-parts.ts';
import type { ChangedKey } from '../config/changes.ts';
import type { DrainEvents } from '../drain/drain-ports.ts';
import type { Transferred } from '../drain/transfer.ts';
import type { Logger } from '../log/log.ts';
import { OncePerKind } from '../log/once-per-kind.ts';
import type { AsideRecovery } from '../spool/aside.ts';
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { Quarantined } from '../spool/quarantine.ts';
import type { Clock } from '../system/clock.ts';
import { explain, type Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { readableDuration, readableFiles, readableSize } from '../view/readable.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { statusText, waitsForRetries } from '../view/status-text.ts';
import type { Counters } from './counters.ts';
import { DebugLog } from './debug-log.ts';
import { tellOddities } from './oddity-lines.ts';
import { SlowLineReport } from './slow-line-report.ts';

/** A fault that keeps happening gets a line this often. */
const FAULT_PERIOD_MS = 60_000;
/** While there is work, a summary this often. */
const SUMMARY_PERIOD_MS = 10_000;
/**
 * While the drain is paused, or all there is waits for its next try, the log has it this often, not
 * every ten seconds.
 */
const PAUSED_PERIOD_MS = 60_000;

export class Reporter implements DrainEvents {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #counters: Counters;
  readonly #faults: OncePerKind;
  readonly #slowLine: SlowLineReport;
  readonly debug: DebugLog;
  /** When people last heard how it goes. */
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Logger, counters: Counters) {
    this.#clock = clock;
    this.#log = log;
    this.#counters = counters;
    this.#faults = new OncePerKind(clock, FAULT_PERIOD_MS);
    this.#slowLine = new SlowLineReport(clock, log);
    this.debug = new DebugLog(log);
  }

  stop(): void {
    this.#faults.stop();
  }

  onUploaded(entry: Entry, { proof, outcome, multipart, sha256Hex }: Transferred, durationMs: number): void {
    this.#counters.add('verifiedFiles');
    this.#counters.add('deletedFiles');
    if (multipart) this.#counters.add('multipartFiles');
    const stored = outcome === 'stored';
    this.#counters.add(stored ? 'uploadedFiles' : 'alreadyThereFiles');
    if (stored) this.#counters.add('uploadedBytes', proof.sizeBytes);
    const file = `${entry.path}`;
    const fields = {
      event: stored ? 'uploaded' : 'alreadyThere',
      file,
      key: proof.key,
      bytes: proof.sizeBytes,
    };
    const timing = { durationMs: Math.round(durationMs), verifiedBy: proof.by, sha256: sha256Hex };
    const key = printable(proof.key);
    const named = basename(file) === basename(key) ? file : `${file} as ${key}`;
    const what = stored ? `uploaded ${named}` : `${named} was in the bucket already`;
    const size = `${readableSize(proof.sizeBytes)} in ${(durationMs / 1000).toFixed(2)} s`;
    this.#log.info({ ...fields, ...timing }, `${what}, ${size}, verified and deleted`);
  }

  /**
   * A line a minute for one kind of fault; beside it one for each file that is itself at fault, by
   * its name.
   */
  onDeferred(entry: Entry, fault: Fault, delayMs: number, isNews: boolean): void {
    this.#counters.add('retries');
    const text = `deferred ${entry.path} for ${readableDuration(delayMs)}: ${fault.message}`;
    const fields = { event: 'deferred', file: `${entry.path}`, delayMs: Math.round(delayMs), fault };
    let isTold = false;
    this.#faults.note(`deferred ${fault.faultClass} ${fault.code}`, (repeats) => {
      isTold = true;
      const others = repeats > 1 ? `; ${repeats} times in the last minute` : '';
      this.#log.warn({ ...fields, repeats }, `${text}${others}`);
    });
    if (isNews && !isTold) this.#log.info(fields, text);
  }

  onStillWritten(entry: Entry, { message }: Fault): void {
    this.#faults.note('still written', (repeats) => {
      const others = repeats > 1 ? `; so are ${repeats - 1} others` : '';
      const text = `${message}: it is uploaded once it is closed${others}`;
      this.#log.info({ event: 'stillWritten', file: `${entry.path}`, repeats }, text);
    });
  }

  onQuarantined(entry: Entry, fault: Fault): void {
    this.#counters.add('quarantinedFiles');
    const text = `quarantined ${entry.path}: ${fault.message}; it is in .halfpipe/quarantine`;
    this.#log.error({ event: 'quarantined', file: `${entry.path}`, fault }, text);
  }

  readonly onSuperseded = ({ path, reason }: Quarantined): void => {
    this.#counters.add('quarantinedFiles');
    const text = `quarantined ${path}: ${reason}; it is in .halfpipe/quarantine`;
    this.#log.warn({ event: 'quarantined', file: `${path}` }, text);
  };

  onUnsaved(entry: Entry, fault: Fault): void {
    this.#faults.note(`unsaved ${entry.path.id}`, () =>
      this.#log.error(
        { event: 'unsaved', file: `${entry.path}`, fault },
        `${entry.path} was written to while it was removed, and cannot be put back: ${fault.message}; ` +
          'it is held open and tried every second, and lost if halfpipe ends before there is room',
      ),
    );
  }

  onFolderHeld(folder: string, fault: Fault): void {
    const where = folder === '' ? 'right in the spool' : `below ${folder}`;
    this.#log.error(
      { event: 'folderHeld', folder, fault },
      `the files ${where} wait, because the store refuses all of them: ${explain(fault)} ` +
        'The others go on; one of these is tried now and then.',
    );
  }

  onFolderFreed(folder: string): void {
    this.#log.info(
      { event: 'folderFreed', folder },
      `the store takes files ${folder === '' ? 'right in the spool' : `below ${folder}`} again`,
    );
  }

  onPaused(fault: Fault): void {
    this.#toldMs = this.#clock.monotonicMs();
    const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
    this.#log.error(
      { event: 'paused', fault },
      `draining is paused: ${fault.message}${hint}; trying again by itself`,
    );
  }

  onResumed(): void {
    this.#log.info({ event: 'resumed' }, 'draining goes on');
  }

  onSlowDown(): void {
    this.#faults.note('slowDown', () =>
      this.#log.warn({ event: 'slowDown' }, 'the store asked for fewer requests: fewer uploads at once'),
    );
  }

  onReloaded(changed: readonly ChangedKey[]): void {
    const names = (live: boolean) => changed.filter((key) => key.live === live).map(({ key }) => key);
    const [inForce, waiting] = [names(true), names(false)];
    const what = inForce.length === 0 ? 'nothing changed' : `changed ${inForce.join(', ')}`;
    this.#log.info({ event: 'reloaded', changed: inForce }, `reloaded: ${what}`);
    if (waiting.length > 0)
      this.#log.warn(
        { event: 'restartNeeded', keys: waiting },
        `${waiting.join(', ')} changed, too, and takes effect only after a restart`,
      );
  }

  /** What a crash left set aside, or what waited because its name was taken. */
  onRecovered({ restored, waiting }: AsideRecovery): void {
    if (restored + waiting === 0) return;
    const waits = waiting === 1 ? 'waits until its name is' : 'wait until their names are';
    const text = `put ${readableFiles(restored)} back into the spool; in .halfpipe/aside ${readableFiles(waiting)} ${waits} free`;
    this.#log.warn({ event: 'putBack', restored, waiting }, text);
  }

  /** Each is told once. */
  readonly onNotice = (notice: string): void => this.#log.warn({ event: 'notice' }, notice);

  /**
   * Whether a file is open for writing cannot be asked for the time being, and why; undefined when
   * it can again.
   */
  readonly onWriters = (problem: string | undefined): void => {
    if (problem === undefined)
      this.#log.info({ event: 'writersSeen' }, 'files that are open for writing are recognised again');
    else
      this.#log.info(
        { event: 'writersUnseen', problem },
        `files that are open for writing are not recognised: ${problem}`,
      );
  };

  /**
   * The file was written to after it was uploaded and removed; `problem` is why its content is not
   * back in the spool.
   */
  readonly onLate = (path: SpoolPath, problem: unknown): void => {
    const what = `${path} was written to after it had been uploaded and removed`;
    const hint = 'producers should write under a temporary name and rename when done';
    if (problem === undefined)
      return this.#log.warn(
        { event: 'lateWrite', file: `${path}` },
        `${what}: its whole content is back in the spool; ${hint}`,
      );
    this.#faults.note(`late ${path.id}`, () =>
      this.#log.error(
        { event: 'unsaved', file: `${path}`, fault: problem },
        `${what}, and cannot be put back: ${problem instanceof Error ? problem.message : problem}`,
      ),
    );
  };

  onReattached(): void {
    this.#log.info({ event: 'spoolBack' }, 'the spool is there again, and is drained');
  }

  onSwept(uploads: number): void {
    if (uploads > 0)
      this.#log.info(
        { event: 'swept', uploads },
        `aborted ${uploads} multipart uploads of files that are gone`,
      );
  }

  onFault(operation: string, error: unknown): void {
    const text = `${operation}: ${error instanceof Error ? error.message : error}`;
    this.#faults.note(operation, () => this.#log.warn({ event: 'fault', operation, error }, text));
  }

  onBacklogReport(report: BacklogReport): void {
    switch (report.kind) {
      case 'oddities':
        return tellOddities(this.#log, report);
      case 'scan-failed':
        return this.#log.error({ event: 'scanFailed', fault: report.fault }, report.fault.message);
      case 'scan-recovered':
        return this.#log.info({ event: 'scanRecovered' }, 'the spool can be scanned again');
      case 'watch-unavailable':
        return this.#log.warn(
          { event: 'watchUnavailable', code: report.code },
          `no inotify watches left (${report.code}): new files are found by scanning; raise fs.inotify.max_user_watches`,
        );
    }
  }

  /**
   * Call often while there is work: every 10 s, what an operator wants to know at a glance, and all
   * of it as fields.
   */
  summarize({ backlog, link, uploads, totals, state, waitingFor }: Snapshot): void {
    this.#slowLine.tell(link);
    const nowMs = this.#clock.monotonicMs();
    const isMoving = waitingFor === null && !waitsForRetries(backlog);
    if (nowMs - this.#toldMs < (isMoving ? SUMMARY_PERIOD_MS : PAUSED_PERIOD_MS)) return;
    this.#toldMs = nowMs;
    const text = statusText({ backlog, link, state, waitingFor });
    this.#log.info({ event: 'summary', state, waitingFor, backlog, link, uploads, totals }, text);
  }
}

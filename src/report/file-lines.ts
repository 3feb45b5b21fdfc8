// Log lines about files: one record for each event of a file. Its `event` and fields are for
// programs, its text is for people.
import { basename } from 'node:path';
import type { DrainEvent } from '../drain/drain-event.ts';
import type { Logger } from '../log/log.ts';
import type { OncePerKind } from '../log/once-per-kind.ts';
import type { SpoolEvent } from '../spool/spool-event.ts';
import { printable } from '../system/printable.ts';
import { readableDuration, readableSize } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';

type Of<Kind extends (DrainEvent | SpoolEvent)['kind']> = Extract<
  DrainEvent | SpoolEvent,
  { readonly kind: Kind }
>;

/** `faults` limits a kind of failure that concerns many files to one line a minute. */
export function fileLines(log: Logger, faults: OncePerKind): Listener {
  return (event) => {
    switch (event.kind) {
      case 'uploaded':
        return tellUploaded(log, event);
      case 'deferred':
        return tellDeferred(log, faults, event);
      case 'stillWritten':
        return tellStillWritten(log, faults, event);
      case 'quarantined': {
        const { entry, fault } = event;
        const text = `quarantined ${entry.path}: ${fault.message}; it is in .halfpipe/quarantine`;
        return log.error({ event: 'quarantined', file: `${entry.path}`, fault }, text);
      }
      case 'superseded': {
        const { path, reason } = event.quarantined;
        const text = `quarantined ${path}: ${reason}; it is in .halfpipe/quarantine`;
        return log.warn({ event: 'quarantined', file: `${path}` }, text);
      }
      case 'unsaved':
        return tellUnsaved(log, faults, event);
      case 'lateWrite':
        return tellLateWrite(log, faults, event);
    }
  };
}

function tellUploaded(log: Logger, { entry, transferred, durationMs }: Of<'uploaded'>): void {
  const { proof, outcome, sha256Hex } = transferred;
  const stored = outcome === 'stored';
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
  log.info({ ...fields, ...timing }, `${what}, ${size}, verified and deleted`);
}

/**
 * Logs one line a minute for a kind of fault, and in addition one line for each file that is itself
 * to blame.
 */
function tellDeferred(
  log: Logger,
  faults: OncePerKind,
  { entry, fault, delayMs, isNews }: Of<'deferred'>,
): void {
  const text = `deferred ${entry.path} for ${readableDuration(delayMs)}: ${fault.message}`;
  const fields = { event: 'deferred', file: `${entry.path}`, delayMs: Math.round(delayMs), fault };
  let isTold = false;
  faults.note(`deferred ${fault.faultClass} ${fault.code}`, (repeats) => {
    isTold = true;
    const others = repeats > 1 ? `; ${repeats} times in the last minute` : '';
    log.warn({ ...fields, repeats }, `${text}${others}`);
  });
  if (isNews && !isTold) log.info(fields, text);
}

function tellStillWritten(log: Logger, faults: OncePerKind, { entry, fault }: Of<'stillWritten'>): void {
  faults.note('still written', (repeats) => {
    const others = repeats > 1 ? `; so are ${repeats - 1} others` : '';
    const text = `${fault.message}: it is uploaded once it is closed${others}`;
    log.info({ event: 'stillWritten', file: `${entry.path}`, repeats }, text);
  });
}

function tellUnsaved(log: Logger, faults: OncePerKind, { path, fault }: Of<'unsaved'>): void {
  faults.note(`unsaved ${path.id}`, () =>
    log.error(
      { event: 'unsaved', file: `${path}`, fault },
      `${path} was written to while it was removed, and cannot be put back: ${fault.message}; ` +
        'it is held open and tried every second, and lost if halfpipe ends before there is room',
    ),
  );
}

function tellLateWrite(log: Logger, faults: OncePerKind, { path, problem }: Of<'lateWrite'>): void {
  const what = `${path} was written to after it had been uploaded and removed`;
  const hint = 'producers should write under a temporary name and rename when done';
  if (problem === undefined)
    return log.warn(
      { event: 'lateWrite', file: `${path}` },
      `${what}: its whole content is back in the spool; ${hint}`,
    );
  faults.note(`late ${path.id}`, () =>
    log.error(
      { event: 'unsaved', file: `${path}`, fault: problem },
      `${what}, and cannot be put back: ${problem instanceof Error ? problem.message : problem}`,
    ),
  );
}

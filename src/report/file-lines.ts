// Log lines about files: one record for each event of a file. Its `event` and fields are for
// programs, its text is for people.
import { basename } from 'node:path';
import type { DrainEvent } from '../drain/drain-event.ts';
import type { Logger } from '../log/log.ts';
import type { NamedBatch, NamedFiles } from '../log/named-files.ts';
import { packetOf } from '../packets/packet.ts';
import type { SpoolEvent } from '../spool/spool-event.ts';
import { printable } from '../system/printable.ts';
import { readableCount, readableDuration, readableSize } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';
import { packetText, tellPacket } from './packet-lines.ts';
import { uploadedFiles } from './uploaded-files.ts';

type Of<Kind extends (DrainEvent | SpoolEvent)['kind']> = Extract<
  DrainEvent | SpoolEvent,
  { readonly kind: Kind }
>;

/** `named` limits a kind of failure that concerns many files to one line a minute. */
export function fileLines(log: Logger, named: NamedFiles): Listener {
  return (event) => {
    switch (event.kind) {
      case 'uploaded':
        return tellUploaded(log, event);
      case 'deferred':
        return tellDeferred(log, named, event);
      case 'stillWritten':
        return tellStillWritten(log, named, event);
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
        return tellUnsaved(log, event);
      case 'lateWrite':
        return tellLateWrite(log, event);
    }
  };
}

function tellUploaded(log: Logger, event: Of<'uploaded'>): void {
  const { entry, transferred, durationMs } = event;
  const { bytes, members } = uploadedFiles(event);
  if (members !== undefined) return tellPacket(log, event, members);
  const { proof, outcome, sha256Hex } = transferred;
  const stored = outcome === 'stored';
  const file = `${entry.path}`;
  const fields = {
    event: stored ? 'uploaded' : 'alreadyThere',
    file,
    key: proof.key,
    bytes,
  };
  const timing = { durationMs: Math.round(durationMs), verifiedBy: proof.by, sha256: sha256Hex };
  const key = printable(proof.key);
  const named = basename(file) === basename(key) ? file : `${file} as ${key}`;
  const what = stored ? `uploaded ${named}` : `${named} was in the bucket already`;
  const size = `${readableSize(bytes)} in ${(durationMs / 1000).toFixed(2)} s`;
  log.info({ ...fields, ...timing }, `${what}, ${size}, verified and deleted`);
}

/** Logs one line a minute for a kind of fault. Every file is named in one of them. */
function tellDeferred(log: Logger, named: NamedFiles, { entry, fault, delayMs }: Of<'deferred'>): void {
  const file = `${entry.path}`;
  const packet = packetOf(entry);
  const what = packet === undefined ? file : packetText(packet);
  const text = `deferred ${what} for ${readableDuration(delayMs)}: ${fault.message}`;
  named.note(`deferred ${fault.faultClass} ${fault.code}`, file, (batch) => {
    const { repeats } = batch;
    const times = repeats > 1 ? `; ${repeats} times in the last minute` : '';
    const fields = { event: 'deferred', ...filesOf(batch, file), delayMs: Math.round(delayMs), fault };
    log.warn({ ...fields, repeats }, `${text}${times}${othersIn(batch, file)}`);
  });
}

function tellStillWritten(log: Logger, named: NamedFiles, { entry, fault }: Of<'stillWritten'>): void {
  const file = `${entry.path}`;
  named.note('still written', file, (batch) => {
    const text = `${fault.message}: it is uploaded once it is closed${othersIn(batch, file)}`;
    log.info({ event: 'stillWritten', ...filesOf(batch, file), repeats: batch.repeats }, text);
  });
}

/** How many of the other files the text names. The field has all. */
const OTHERS_MAX = 5;

/** The journal gets a field for each file, so that each is found by its name. */
export function filesOf(
  { files }: Pick<NamedBatch, 'files'>,
  latest: string,
): { readonly file: string | readonly string[] } {
  const [only = latest, ...others] = files;
  return { file: others.length === 0 ? only : files };
}

/** `; others: b, c and 7 more`, or nothing. */
export function othersIn({ files }: Pick<NamedBatch, 'files'>, latest: string): string {
  const others = files.filter((file) => file !== latest);
  if (others.length === 0) return '';
  const more = others.length > OTHERS_MAX ? ` and ${readableCount(others.length - OTHERS_MAX)} more` : '';
  return `; others: ${others.slice(0, OTHERS_MAX).join(', ')}${more}`;
}

function tellUnsaved(log: Logger, { path, fault }: Of<'unsaved'>): void {
  log.error(
    { event: 'unsaved', file: `${path}`, fault },
    `${path} was written to while it was removed, and cannot be put back: ${fault.message}; ` +
      'it is held open and tried every second, and lost if halfpipe ends before there is room',
  );
}

function tellLateWrite(log: Logger, { path, problem }: Of<'lateWrite'>): void {
  const what = `${path} was written to after it had been uploaded and removed`;
  const hint = 'producers should write under a temporary name and rename when done';
  if (problem === undefined)
    return log.warn(
      { event: 'lateWrite', file: `${path}` },
      `${what}: its whole content is back in the spool; ${hint}`,
    );
  log.error(
    { event: 'unsaved', file: `${path}`, fault: problem },
    `${what}, and cannot be put back: ${problem instanceof Error ? problem.message : problem}`,
  );
}

// Log lines about the drain as a whole: pauses, folders that wait, reloads, and failures apart from
// files.
import type { ChangedKey } from '../config/changes.ts';
import type { Logger } from '../log/log.ts';
import { explain, type Fault } from '../system/fault.ts';
import { readableSize } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';

export function drainLines(log: Logger): Listener {
  return (event) => {
    switch (event.kind) {
      case 'paused': {
        const { fault } = event;
        const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
        const text = `draining is paused: ${fault.message}${hint}; halfpipe tries again by itself`;
        return log.error({ event: 'paused', fault }, text);
      }
      case 'resumed':
        return log.info({ event: 'resumed' }, 'draining continues');
      case 'slowDown':
        return log.warn(
          { event: 'slowDown' },
          'the store asked for fewer requests: halfpipe runs fewer uploads at once',
        );
      case 'folderHeld':
        return tellFolderHeld(log, event.folder, event.fault);
      case 'folderFreed': {
        const where = event.folder === '' ? 'right in the spool' : `below ${event.folder}`;
        const text = `the store accepts files ${where} again`;
        return log.info({ event: 'folderFreed', folder: event.folder }, text);
      }
      case 'swept': {
        const { uploads } = event;
        if (uploads === 0) return;
        return log.info(
          { event: 'swept', uploads },
          `aborted ${uploads} multipart uploads of files that are gone`,
        );
      }
      case 'manifestRepaired': {
        const { path, cutBytes } = event;
        const text = `cut ${readableSize(cutBytes)} off the end of the manifest ${path}: they are no whole line, as after a power cut; no file was removed for them`;
        return log.warn({ event: 'manifestRepaired', path, cutBytes }, text);
      }
      case 'notice':
        return log.warn({ event: 'notice' }, event.notice);
      case 'fault': {
        const { operation, error } = event;
        return log.warn({ event: 'fault', operation, error }, `${operation}: ${explain(error)}`);
      }
      case 'reloaded':
        return tellReloaded(log, event.changed);
    }
  };
}

function tellFolderHeld(log: Logger, folder: string, fault: Fault): void {
  const where = folder === '' ? 'right in the spool' : `below ${folder}`;
  log.error(
    { event: 'folderHeld', folder, fault },
    `the files ${where} wait, because the store refuses all of them: ${explain(fault)} ` +
      'Other files continue; one of these is tried now and then.',
  );
}

function tellReloaded(log: Logger, changed: readonly ChangedKey[]): void {
  const [inForce, waiting] = [changed.filter(({ live }) => live), changed.filter(({ live }) => !live)];
  const what = inForce.length === 0 ? 'nothing changed' : `changed ${named(inForce)}`;
  log.info({ event: 'reloaded', changed: inForce.map(({ key }) => key) }, `reloaded: ${what}`);
  if (waiting.length > 0)
    log.warn(
      { event: 'restartNeeded', keys: waiting.map(({ key }) => key) },
      `${named(waiting)} changed as well, and takes effect only after a restart`,
    );
}

function named(changed: readonly ChangedKey[]): string {
  return changed.map(({ key, origin }) => (origin === undefined ? key : `${key} (${origin})`)).join(', ');
}

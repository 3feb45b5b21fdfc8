// Log lines about the spool: failed scans, things that are left out, and files that are back.
import type { Logger } from '../log/log.ts';
import type { AsideRecovery } from '../spool/aside.ts';
import { readableFiles } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';
import { tellOddities } from './oddity-lines.ts';

export function spoolLines(log: Logger): Listener {
  return (event) => {
    switch (event.kind) {
      case 'oddities':
        return tellOddities(log, event);
      case 'scanFailed':
        return log.error({ event: 'scanFailed', fault: event.fault }, event.fault.message);
      case 'scanRecovered':
        return log.info({ event: 'scanRecovered' }, 'the spool can be scanned again');
      case 'scanThreadUnavailable': {
        const { code } = event;
        const text = `no thread can be had for scans (${code}): they run in the main thread, where they delay uploads; give halfpipe more memory or tasks (MemoryMax=, TasksMax=)`;
        return log.warn({ event: 'scanThreadUnavailable', code }, text);
      }
      case 'watchUnavailable': {
        const { code } = event;
        const text = `no inotify watches left (${code}): new files are found by scanning; raise fs.inotify.max_user_watches`;
        return log.warn({ event: 'watchUnavailable', code }, text);
      }
      case 'openWriters':
        return tellOpenWriters(log, event.problem);
      case 'putBack':
        return tellPutBack(log, event.recovery);
      case 'spoolBack':
        return log.info({ event: 'spoolBack' }, 'the spool is there again, and draining continues');
    }
  };
}

function tellOpenWriters(log: Logger, problem: string | undefined): void {
  if (problem === undefined)
    log.info({ event: 'writersSeen' }, 'files that are open for writing are recognised again');
  else
    log.info(
      { event: 'writersUnseen', problem },
      `files that are open for writing are not recognised: ${problem}`,
    );
}

function tellPutBack(log: Logger, { restored, waiting }: AsideRecovery): void {
  if (restored + waiting === 0) return;
  const waits = waiting === 1 ? 'waits until its name is' : 'wait until their names are';
  const text = `put ${readableFiles(restored)} back into the spool; in .halfpipe/aside ${readableFiles(waiting)} ${waits} free`;
  log.warn({ event: 'putBack', restored, waiting }, text);
}

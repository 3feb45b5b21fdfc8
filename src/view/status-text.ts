// The daemon's state in one line for people: systemctl's status text and the summary in the log.
import { readableCount, readableDuration, readableRate } from './readable.ts';
import type { BacklogView, LinkView, Snapshot } from './snapshot.ts';

export function statusText({
  state,
  waitingFor,
  backlog,
  link,
}: Pick<Snapshot, 'state' | 'waitingFor' | 'backlog' | 'link'>): string {
  if (waitingFor !== null) return `${state}: ${waitingFor}; ${readableCount(backlog.files)} files wait`;
  if (state === 'idle') return 'idle: the spool is empty';
  return [`${state} ${readableCount(backlog.files)} files`, rates(link), ending(backlog), troubles(backlog)]
    .filter((part) => part !== '')
    .join(' · ');
}

function rates({ totalBitsPerSec, targetBitsPerSec, floorEngaged, degraded }: LinkView): string {
  if (degraded) return 'the link cannot be measured';
  const engaged = floorEngaged ? ', others take more than the target: sending the floor' : '';
  return `${readableRate(totalBitsPerSec)} of ${readableRate(targetBitsPerSec)}${engaged}`;
}

function ending(backlog: BacklogView): string {
  if (backlog.forecast === 'empty') return '';
  if (backlog.forecast === 'never') return 'never done at this rate: more arrives than leaves';
  return backlog.etaMs === null ? '' : `done in ${readableDuration(backlog.etaMs)}`;
}

function troubles({ deferred, quarantined }: BacklogView): string {
  const parts = [];
  if (deferred > 0) parts.push(`${readableCount(deferred)} deferred`);
  if (quarantined > 0) parts.push(`${readableCount(quarantined)} in quarantine`);
  return parts.join(', ');
}

// While there is work, logs a summary now and then: a sentence for the operator, and everything as
// fields.
import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { statusText, waitsForRetries } from '../view/status-text.ts';
import type { Listener } from './daemon-event.ts';
import { SlowLineReport } from './slow-line-report.ts';

/** How often a summary is logged while there is work. */
const SUMMARY_PERIOD_MS = 10_000;
/** How often while the drain is paused, or while all files wait for their next attempt. */
const PAUSED_PERIOD_MS = 60_000;

export function summaryLines(clock: Clock, log: Logger): Listener {
  const slowLine = new SlowLineReport(clock, log);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (event) => {
    // The line about the pause is summary enough.
    if (event.kind === 'paused') toldAtMs = clock.monotonicMs();
    if (event.kind !== 'state' || !hasWork(event.snapshot)) return;
    const { backlog, link, uploads, totals, state, waitingFor } = event.snapshot;
    slowLine.tell(link);
    const nowMs = clock.monotonicMs();
    const isMoving = waitingFor === null && !waitsForRetries(backlog);
    if (nowMs - toldAtMs < (isMoving ? SUMMARY_PERIOD_MS : PAUSED_PERIOD_MS)) return;
    toldAtMs = nowMs;
    const text = statusText({ backlog, link, state, waitingFor });
    log.info({ event: 'summary', state, waitingFor, backlog, link, uploads, totals }, text);
  };
}

function hasWork({ state }: Snapshot): boolean {
  return state === 'draining' || state === 'paused';
}

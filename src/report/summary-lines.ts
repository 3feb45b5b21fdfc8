// While there is work, logs a summary now and then: a sentence for the operator, and everything as
// fields.
import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import { ingestPaceText } from '../view/ingest-text.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { statusText, waitsForRetries } from '../view/status-text.ts';
import type { Listener } from './daemon-event.ts';
import { SlowLineReport } from './slow-line-report.ts';

/** How often a summary is logged while there is work, or while the drain is paused. */
const PERIOD_MS = 60_000;
/** While a summary would say the same, the time to the next one doubles up to this. */
const SAME_PERIOD_MS_MAX = 60 * 60_000;

export function summaryLines(clock: Clock, log: Logger): Listener {
  const slowLine = new SlowLineReport(clock, log);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let periodMs = PERIOD_MS;
  let told = '';
  return (event) => {
    // The line about the pause is summary enough.
    if (event.kind === 'paused') [toldAtMs, periodMs] = [clock.monotonicMs(), PERIOD_MS];
    if (event.kind !== 'state' || !hasWork(event.snapshot)) return;
    const { backlog, link, uploads, totals, state, waitingFor, packets, ingest } = event.snapshot;
    slowLine.tell(link);
    const standing = standingOf(event.snapshot);
    const isSame = standing !== undefined && standing === told;
    const agoMs = clock.monotonicMs() - toldAtMs;
    if (agoMs < (isSame ? periodMs : PERIOD_MS)) return;
    periodMs = isSame ? Math.min(2 * periodMs, SAME_PERIOD_MS_MAX) : PERIOD_MS;
    [toldAtMs, told] = [clock.monotonicMs(), standing ?? ''];
    const text = statusText({ backlog, link, packets, state, waitingFor });
    const fields = { event: 'summary', state, waitingFor, backlog, link, uploads, packets, totals, ingest };
    log.info(fields, ingest === null ? text : `${text} · ${ingestPaceText(ingest)}`);
  };
}

/** What a summary says while nothing moves; undefined while something does. */
function standingOf({ backlog, state, waitingFor }: Snapshot): string | undefined {
  if (waitingFor === null && !waitsForRetries(backlog)) return undefined;
  const { files, deferred, written, quarantined } = backlog;
  return [state, waitingFor, files, deferred, written, quarantined].join();
}

function hasWork({ state }: Snapshot): boolean {
  return state === 'draining' || state === 'paused';
}

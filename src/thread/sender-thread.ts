// The sending thread. It measures, paces and sends; nothing else runs in it.
import { parentPort } from 'node:worker_threads';
import type { ShaperActivity } from '../pace/shaper.ts';
import { systemClock } from '../system/clock.ts';
import { releaseGarbage } from '../system/garbage.ts';
import type { Notice, Order } from './messages.ts';
import { Outbox } from './outbox.ts';
import { PacedLink, type PacedLinkOptions } from './paced-link.ts';
import { RequestService } from './request-service.ts';

const REPORT_MS = 100;
/**
 * While requests wait for the line, an answer is in no hurry, and waits for others: to wake the
 * main thread costs more than what is done there for a file.
 */
const PATIENCE_MS_MAX = 20;
const NOTHING: ShaperActivity = { admittedBytes: 0, idleMs: 0, longestWaitMs: 0, waiting: 0 };

let link: PacedLink | undefined;
let requests: RequestService | undefined;
let activity = NOTHING;
let elapsedMs = 0;

if (parentPort === null) throw new Error('this is the sending thread, which the daemon starts');
const port = parentPort;
port.on('message', (orders: readonly Order[]) => {
  for (const order of orders) obey(order);
});
const notices = new Outbox<Notice>(systemClock, (messages, moved) => port.postMessage(messages, moved));

function tell(notice: Notice, moved?: ArrayBuffer): void {
  notices.put(notice, moved, isWholeAnswer(notice) ? patienceMs() : 0);
}

function isWholeAnswer(notice: Notice): boolean {
  return notice.kind === 'answer' && notice.body !== undefined;
}

/** The line stays busy for long enough that the next requests arrive in time. */
function patienceMs(): number {
  return link === undefined ? 0 : Math.min(PATIENCE_MS_MAX, link.shaper.busyMs / 4);
}

function obey(order: Order): void {
  if (order.kind === 'configure') return configure(order.options);
  if (link === undefined || requests === undefined)
    throw new Error(`${order.kind} was ordered before a link was found`);
  if (order.kind === 'start') link.start();
  else if (order.kind === 'allow') {
    link.allow(order.allowance);
    tell({ kind: 'configured', pace: link.pace });
  } else if (order.kind === 'shown') link.show(order.reading);
  else if (order.kind === 'rest') releaseGarbage();
  else requests.obey(order);
}

function configure(options: PacedLinkOptions): void {
  if (link === undefined) {
    link = new PacedLink(systemClock, options, {
      onMeasurable: (problem) => tell({ kind: 'measurable', problem }),
      onBeyond: () => tell({ kind: 'beyond' }),
      onTick: report,
    });
    requests = new RequestService(tell, link.shaper, systemClock, link.deliveries);
  } else link.configure(options);
  tell({ kind: 'configured', pace: link.pace });
}

function report(latest: ShaperActivity, sinceMs: number): void {
  activity = {
    admittedBytes: activity.admittedBytes + latest.admittedBytes,
    idleMs: activity.idleMs + latest.idleMs,
    longestWaitMs: Math.max(activity.longestWaitMs, latest.longestWaitMs),
    waiting: latest.waiting,
  };
  elapsedMs += sinceMs;
  if (elapsedMs < REPORT_MS || link === undefined || requests === undefined) return;
  const line = link.deliveries.activity();
  tell({ kind: 'report', activity, elapsedMs, line, sent: requests.sent(), pace: link.pace });
  activity = NOTHING;
  elapsedMs = 0;
}

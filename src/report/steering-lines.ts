// Log lines about what operators and the timetable set.
import type { Logger } from '../log/log.ts';
import type { SteeringEvent } from '../steer/steering-event.ts';
import type { Clock } from '../system/clock.ts';
import { pauseText, shareText } from '../view/steering-text.ts';
import type { Listener } from './daemon-event.ts';

export function steeringLines(clock: Clock, log: Logger): Listener {
  return (event) => {
    if (event.kind === 'steered') tellSteered(log, event, clock.wallMs());
  };
}

function tellSteered(log: Logger, { now, before }: SteeringEvent, nowMs: number): void {
  const { paused, share, shareFrom } = now;
  if (paused !== null && paused.untilMs !== before.paused?.untilMs)
    log.warn(
      { event: 'pausedByOperator', untilMs: paused.untilMs },
      `${pauseText(now, nowMs)}: halfpipe resume ends the pause`,
    );
  if (paused === null && before.paused !== null)
    log.info({ event: 'resumedByOperator' }, 'the pause is over: draining goes on');
  const isSame = share === before.share && shareFrom === before.shareFrom;
  const hasSameEnd = now.shareUntilMs === before.shareUntilMs || shareFrom !== 'command';
  if (isSame && hasSameEnd) return;
  log.info(
    { event: 'share', share, shareFrom, untilMs: now.shareUntilMs },
    `the share is ${shareText(now, nowMs)}`,
  );
}

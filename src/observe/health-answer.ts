// Whether a load balancer or a monitor should call this daemon healthy.
import type { Snapshot } from '../view/snapshot.ts';

/** Healthy: files are being drained, or would be if there were any. */
export function healthOf({ state, waitingFor }: Snapshot): {
  readonly isHealthy: boolean;
  /** One line. */
  readonly text: string;
} {
  const isHealthy = state === 'draining' || state === 'idle';
  return { isHealthy, text: waitingFor === null ? state : `${state}: ${waitingFor}` };
}

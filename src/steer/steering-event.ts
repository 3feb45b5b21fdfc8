// The event of the steering.
import type { Steered } from './steered.ts';

/** Another share, a pause, its end, or another end of one of these. */
export interface SteeringEvent {
  readonly kind: 'steered';
  readonly now: Steered;
  readonly before: Steered;
}

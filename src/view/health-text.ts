// Whether all is well, in one word for programs and a few lines for people.
import { withHint } from '../system/fault.ts';
import type { Snapshot } from './snapshot.ts';

type Health = Pick<Snapshot, 'state' | 'problems'>;

/** True if no problem is worse than a notice. A daemon that starts or stops may be healthy. */
export function isHealthy({ problems }: Pick<Health, 'problems'>): boolean {
  return problems.every(({ severity }) => severity === 'notice');
}

/** The state, then a line for each problem with its remedy, the worst first. */
export function healthText({ state, problems }: Health): string {
  const lines = problems.map(
    ({ severity, message, remedy }) => `${severity}: ${withHint(message, remedy ?? undefined)}`,
  );
  return [state, ...lines].join('\n');
}

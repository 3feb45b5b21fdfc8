// Logs one line for each kind of thing in the spool that is left out, with the remedy.
import { describeOddity, remedyOf } from '../backlog/oddity.ts';
import type { OddityReport } from '../backlog/oddity-reports.ts';
import type { Logger } from '../log/log.ts';
import { readableCount } from '../view/readable.ts';

export function tellOddities(log: Logger, { oddity, paths, count }: OddityReport): void {
  const [first, ...others] = paths.map(String);
  const more =
    others.length === 0
      ? ''
      : ` and ${others.length} more: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}`;
  const what = describeOddity(oddity, paths.length);
  const total = count > paths.length ? `; ${readableCount(count)} of this kind are in the spool` : '';
  log.warn(
    {
      event: 'skipped',
      file: others.length === 0 ? first : paths.map(String),
      files: paths.map(String),
      what,
      count,
    },
    `skipped ${first}${more}: ${what}${total} (${remedyOf(oddity)})`,
  );
}

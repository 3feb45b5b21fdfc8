// What `halfpipe plan` finds out: which files would go, in which order, and which would not, and
// why. The scanner, its rules, the keys and the part plans are those of the daemon.

import { FileIndex } from '../backlog/file-index.ts';
import type { SkippedCount } from '../backlog/oddity.ts';
import { OddityReports } from '../backlog/oddity-reports.ts';
import { scan } from '../backlog/scanner.ts';
import { type Moment, Settle } from '../backlog/settle.ts';
import { SilentFolders } from '../backlog/silent-folders.ts';
import type { Settings } from '../config/settings.ts';
import type { SpoolGlance } from '../spool/spool-glance.ts';
import type { Clock } from '../system/clock.ts';
import { type LeftOut, type PlannedFile, PlanTally } from './plan-tally.ts';

export interface Survey {
  readonly files: number;
  readonly bytes: number;
  /** Files that are sent in packets, unless they find no company, and their size. */
  readonly packedFiles: number;
  readonly packedBytes: number;
  /** Files that are sent in parts, and all their parts together. */
  readonly inPartsFiles: number;
  readonly parts: number;
  /** The first files in the order of the settings. */
  readonly first: readonly PlannedFile[];
  /** Files that may still be written. */
  readonly unsettled: {
    readonly files: number;
    readonly nextInMs: number | null;
    readonly example: string | undefined;
  };
  readonly ignored: readonly LeftOut[];
  /** Files that halfpipe would move to the quarantine. */
  readonly refused: readonly LeftOut[];
  readonly skipped: readonly LeftOut[];
}

/** Far longer than the file has to be quiet: the clocks of this machine are trusted. */
const TRUSTED_MS = 366 * 86_400_000;

/** Keeps the first `limit` files and counts the others, so memory does not grow with the spool. */
export async function surveySpool(
  spool: SpoolGlance,
  settings: Settings,
  { limit, clock }: { readonly limit: number; readonly clock: Clock },
): Promise<Survey> {
  const { order, settleMs, ignore } = settings.spool;
  const now: Moment = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  const settle = new Settle(settleMs);
  settle.begin({ wallMs: now.wallMs - TRUSTED_MS, monotonicMs: now.monotonicMs - TRUSTED_MS });
  const oddities = new OddityReports();
  const tally = new PlanTally(settings);
  // It keeps at least three quarters of its bound.
  const index = new FileIndex(order, 2 * Math.max(1, limit));
  oddities.scanBegan();
  const result = await scan(spool, {
    ...{ index, ignore: tally, settle, now },
    judge: (path, identity) => (tally.isAccepted(path, identity) ? 'waiting' : 'counted'),
    onFile: (path, identity, settlesInMs) => tally.file(path, identity, settlesInMs),
    wasRenamed: () => false,
    onOddity: (path, oddity) => oddities.sighted(path, oddity),
    silent: new SilentFolders(clock, () => undefined),
  });
  oddities.scanEnded(now.monotonicMs);
  const first: PlannedFile[] = [];
  for (const entry of index.first(limit)) first.push(await tally.planned(entry, spool));
  return {
    ...{ files: result.eligible, bytes: tally.bytes, inPartsFiles: tally.inPartsFiles, parts: tally.parts },
    ...{ packedFiles: tally.packedFiles, packedBytes: tally.packedBytes },
    first,
    unsettled: { files: result.unsettled, nextInMs: result.settlesInMs, example: tally.unsettled },
    ignored: tally.ignored(ignore),
    refused: tally.refused,
    skipped: oddities.counts.map(leftOut),
  };
}

function leftOut({ what, remedy, count, example }: SkippedCount): LeftOut {
  return { reason: what, remedy, count, example: `${example}` };
}

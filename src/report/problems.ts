// What is wrong, in the order in which an operator should look at it.
import type { WaitingFiles } from '../drain/drain-ports.ts';
import { Fault, withoutHint } from '../system/fault.ts';
import type { BacklogView } from '../view/backlog-view.ts';
import { forecastText } from '../view/forecast-text.ts';
import { readableDuration, readableFiles } from '../view/readable.ts';
import { slowLineText } from '../view/slow-line-text.ts';
import type { LinkView } from '../view/snapshot.ts';
import { FLOOR_ENGAGED, skippedText, waitingText } from '../view/status-text.ts';
import type { IngestTrouble } from './ingest-book.ts';
import { ingestProblems } from './ingest-problems.ts';
import type { Problem } from './problem-book.ts';
import type { RestingPacking, UnsavedFile } from './remarks.ts';

/** Why nothing is drained at all. */
export interface Standstill {
  readonly by: 'paused' | 'store' | 'link' | 'spool';
  readonly message: string;
  readonly hint?: string | undefined;
  /** When halfpipe tries again, by the monotonic clock. */
  readonly nextTryAtMs?: number;
}

export interface ProblemFacts {
  readonly standstill: Standstill | undefined;
  /** Why files wait. Only the kinds that the backlog shows. */
  readonly waiting: readonly WaitingFiles[];
  readonly backlog: Omit<BacklogView, 'waiting'>;
  readonly link: LinkView | null;
  readonly isWatching: boolean;
  readonly unsaved: readonly UnsavedFile[];
  /** Why the last reload was refused. */
  readonly refusedReload: string | undefined;
  /** Why the last order of an operator could not be kept. */
  readonly unkeptOrder: string | undefined;
  /** Why observe.listen is not served, although it is set. */
  readonly unobserved: unknown;
  /** Why no packet is made. */
  readonly restingPacking: RestingPacking | undefined;
  /** What keeps producers from sending files over HTTP. */
  readonly ingestTroubles: readonly IngestTrouble[];
}

/** A failure of the network that is shorter needs no attention. */
const PASSING_MS = 5 * 60_000;
/** A disk that is full for a shorter time needs no attention. */
const PACKING_MS = 10 * 60_000;
const NEVER = Number.POSITIVE_INFINITY;

export function findProblems(facts: ProblemFacts): Problem[] {
  return [
    ...standstillOf(facts),
    ...unsavedOf(facts),
    ...forecastsOf(facts.backlog),
    ...quarantineOf(facts.backlog),
    ...facts.waiting.map(deferredOf),
    ...facts.backlog.skipped.map(skippedOf),
    ...packingOf(facts.restingPacking),
    ...ingestProblems(facts.ingestTroubles),
    ...linkOf(facts.link),
    ...remarksOf(facts),
  ];
}

function standstillOf({ standstill }: ProblemFacts): Problem[] {
  if (standstill === undefined) return [];
  const { by, hint, nextTryAtMs } = standstill;
  const problem = { message: withoutHint(standstill), remedy: hint };
  return [{ kind: by, ...problem, nextTryAtMs, degradedAfterMs: 0 }];
}

function unsavedOf({ unsaved }: ProblemFacts): Problem[] {
  const [first] = unsaved;
  if (first === undefined) return [];
  const more = unsaved.length > 1 ? ` and ${unsaved.length - 1} more` : '';
  return [
    {
      kind: 'unsaved',
      message: `${first.path}${more} cannot be put back into the spool: ${first.message}`,
      remedy: 'make room, and do not stop halfpipe until then: it alone has the content',
      files: unsaved.length,
      degradedAfterMs: 0,
    },
  ];
}

function forecastsOf({ forecast }: ProblemFacts['backlog']): Problem[] {
  const problems: Problem[] = [];
  if (forecast.diskFullMs !== null)
    problems.push({
      kind: 'disk-full',
      message: `the spool's disk is full in ${readableDuration(forecast.diskFullMs)}, before the backlog is empty`,
      remedy:
        'give the spool more space, raise the share for a while (halfpipe share), or slow the producers',
      degradedAfterMs: 0,
    });
  if (forecast.verdict === 'falling-behind')
    problems.push({
      kind: 'falling-behind',
      message: forecastText(forecast),
      remedy: 'raise the share for a while (halfpipe share), or slow the producers',
      degradedAfterMs: 0,
    });
  return problems;
}

function quarantineOf({ quarantined }: ProblemFacts['backlog']): Problem[] {
  if (quarantined === 0) return [];
  const remedy = 'halfpipe quarantine list tells the reasons; then quarantine retry or drop';
  const message = `${readableFiles(quarantined)} in quarantine`;
  return [{ kind: 'quarantine', message, remedy, files: quarantined, degradedAfterMs: 0 }];
}

/** What the network causes may pass; everything else needs a human. */
function deferredOf({ fault, nextTryAtMs, ...kind }: WaitingFiles): Problem {
  const passes = fault.faultClass === 'transient' || fault.faultClass === 'changed';
  return {
    kind: 'deferred',
    what: `${kind.reason} ${kind.isFolder ? kind.example : ''}`,
    message: `deferred: ${waitingText({ ...kind, message: fault.message })}: ${withoutHint(fault)}`,
    remedy: fault.hint ?? 'halfpipe list deferred names the files; halfpipe retry tries them now',
    nextTryAtMs,
    files: kind.files,
    degradedAfterMs: passes ? PASSING_MS : 0,
  };
}

function skippedOf(skipped: BacklogView['skipped'][number]): Problem {
  const { what, remedy, count, hidesFiles } = skipped;
  const degradedAfterMs = hidesFiles ? 0 : NEVER;
  return { kind: 'skipped', what, message: skippedText(skipped), remedy, files: count, degradedAfterMs };
}

/** The files go up nevertheless. What packets save is lost. */
function packingOf(resting: RestingPacking | undefined): Problem[] {
  if (resting === undefined) return [];
  const { why, fault, nextTryAtMs } = resting;
  const cause = why === 'refused' ? 'the store refuses packets' : 'no packet can be written';
  return [
    {
      kind: 'packing',
      message: `${cause}, so that each file is sent by itself: ${withoutHint(fault)}`,
      remedy: fault.hint ?? "make room on the spool's disk, and let halfpipe write to .halfpipe in it",
      nextTryAtMs,
      degradedAfterMs: PACKING_MS,
    },
  ];
}

function linkOf(link: LinkView | null): Problem[] {
  if (link === null) return [];
  const problems: Problem[] = [];
  if (link.degraded)
    problems.push({
      kind: 'unmeasured',
      message: `${link.interface} cannot be measured: sending at most half the target`,
      remedy: 'see journalctl for the reason; link.counter names another counter',
      degradedAfterMs: 0,
    });
  const slowLine = slowLineText(link);
  if (slowLine !== undefined) problems.push({ kind: 'slow-line', message: slowLine, degradedAfterMs: NEVER });
  // At a floor that is the whole target, there is nothing to yield.
  const yields = link.floorBitsPerSec < link.targetBitsPerSec;
  if (link.floorEngaged && yields)
    problems.push({ kind: 'floor', message: FLOOR_ENGAGED, degradedAfterMs: NEVER });
  return problems;
}

function remarksOf({ isWatching, refusedReload, unkeptOrder, unobserved }: ProblemFacts): Problem[] {
  const problems: Problem[] = [];
  if (unobserved !== undefined)
    problems.push({
      kind: 'observe',
      message: `metrics and page are not served: ${unobserved instanceof Error ? withoutHint(unobserved) : unobserved}`,
      remedy: unobserved instanceof Fault ? unobserved.hint : undefined,
      degradedAfterMs: 0,
    });
  if (refusedReload !== undefined)
    problems.push({
      kind: 'reload',
      message: `the last reload was refused: ${refusedReload}`,
      remedy: 'mend the config, then reload again; the old settings hold until then',
      degradedAfterMs: 0,
    });
  if (unkeptOrder !== undefined)
    problems.push({
      kind: 'unkept',
      message: `the last order would not survive a restart: ${unkeptOrder}`,
      remedy: 'see why .halfpipe in the spool cannot be written, then give the order again',
      degradedAfterMs: NEVER,
    });
  if (!isWatching)
    problems.push({
      kind: 'unwatched',
      message: 'the spool is not watched: files are found by scans, up to spool.rescan later',
      degradedAfterMs: NEVER,
    });
  return problems;
}

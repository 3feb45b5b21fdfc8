// Reports each odd thing in the spool once, however often scans find it.
import { SpoolPath } from '../spool/entry.ts';
import {
  describeOddity,
  hidesFiles,
  type Oddity,
  remedyOf,
  type SkippedCount,
  type SkippedPath,
} from './oddity.ts';

/** Things of one kind that were not there at the last report. */
export interface OddityReport {
  readonly kind: 'oddities';
  readonly oddity: Oddity;
  /** At most NAMES_MAX paths. The next report of this kind names the rest. */
  readonly paths: readonly SpoolPath[];
  /** How many of this kind the last scan found, reported before or not. */
  readonly count: number;
}

interface Kind {
  readonly oddity: Oddity;
  count: number;
  example: SpoolPath;
  readonly untold: Map<string, SpoolPath>;
  toldAtMs: number;
}

const PERIOD_MS = 60_000;
/** About 100 bytes each, so that a line stays shorter than journald accepts (LineMax=, 48 KiB). */
const NAMES_MAX = 200;
/** How many things of all kinds are remembered. Further ones are only counted. */
const REMEMBERED_MAX = 10_000;

/**
 * Counts the odd things of each scan and gathers the new ones into reports, at most one a minute
 * for each kind. Deterministic: time is an argument, of the monotonic clock. Memory is bounded.
 */
export class OddityReports {
  readonly #kinds = new Map<string, Kind>();
  readonly #known = new Set<string>();
  #seen = new Set<string>();
  /** What the last complete scan saw. */
  #last: ReadonlySet<string> = new Set<string>();
  #counts: readonly SkippedCount[] = [];

  /** The counts of the last complete scan. */
  get counts(): readonly SkippedCount[] {
    return this.#counts;
  }

  /**
   * What the last complete scan found, at most `limit` of it, and of more than REMEMBERED_MAX only
   * that many.
   */
  paths(limit: number): readonly SkippedPath[] {
    return [...this.#last].slice(0, limit).flatMap((id) => {
      const at = id.indexOf(':');
      const oddity = this.#kinds.get(id.slice(0, at))?.oddity;
      if (oddity === undefined) return [];
      const path = new SpoolPath(Buffer.from(id.slice(at + 1), 'latin1'));
      return [{ path, what: describeOddity(oddity, 1), remedy: remedyOf(oddity) }];
    });
  }

  scanBegan(): void {
    this.#seen = new Set();
    for (const kind of this.#kinds.values()) kind.count = 0;
  }

  sighted(path: SpoolPath, oddity: Oddity): void {
    const name = `${oddity.kind} ${oddity.code ?? ''}`;
    const id = `${name}:${path.id}`;
    if (this.#seen.has(id)) return;
    if (this.#seen.size < REMEMBERED_MAX) this.#seen.add(id);
    const kind = this.#kinds.get(name) ?? {
      ...{ oddity, count: 0, example: path, untold: new Map() },
      toldAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#kinds.set(name, kind);
    if (kind.count === 0) kind.example = path;
    kind.count += 1;
    if (this.#known.has(id) || this.#known.size >= REMEMBERED_MAX) return;
    this.#known.add(id);
    kind.untold.set(id, path);
  }

  /**
   * Call after each complete scan. Returns the reports that are due. A thing that the scan did not
   * find is forgotten, and reported again if it returns.
   */
  scanEnded(nowMs: number): readonly OddityReport[] {
    this.#last = this.#seen;
    for (const id of this.#known) if (!this.#seen.has(id)) this.#known.delete(id);
    const reports: OddityReport[] = [];
    for (const [name, kind] of this.#kinds) {
      for (const id of kind.untold.keys()) if (!this.#known.has(id)) kind.untold.delete(id);
      const due = kind.untold.size > 0 && nowMs - kind.toldAtMs >= PERIOD_MS;
      if (due) reports.push(report(kind, nowMs));
      else if (kind.count === 0 && nowMs - kind.toldAtMs >= PERIOD_MS) this.#kinds.delete(name);
    }
    this.#counts = [...this.#kinds.values()].filter(({ count }) => count > 0).map(countOf);
    return reports;
  }
}

function report(kind: Kind, nowMs: number): OddityReport {
  const paths = [...kind.untold].slice(0, NAMES_MAX);
  for (const [id] of paths) kind.untold.delete(id);
  kind.toldAtMs = nowMs;
  const { oddity, count } = kind;
  return { kind: 'oddities', oddity, paths: paths.map(([, path]) => path), count };
}

function countOf({ oddity, count, example }: Kind): SkippedCount {
  const { kind } = oddity;
  const words = { what: describeOddity(oddity, count), remedy: remedyOf(oddity) };
  return { kind, ...words, count, example, hidesFiles: hidesFiles(oddity) };
}

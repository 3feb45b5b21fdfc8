// Counts the odd things of each scan, and passes on each one once, however often scans come across
// it: of one kind at most one report a minute, with the names gathered since. Deterministic: time
// is an argument. In bounded memory.
import type { SpoolPath } from '../spool/entry.ts';
import { describeOddity, type Oddity, remedyOf, type SkippedCount } from './oddity.ts';

/** Things of one kind that were not there at the last report. */
export interface OddityReport {
  readonly kind: 'oddities';
  readonly oddity: Oddity;
  /** At most NAMES_MAX of them; further ones are named in the next report of their kind. */
  readonly paths: readonly SpoolPath[];
  /** How many of this kind the last scan found, told before or not. */
  readonly count: number;
}

interface Kind {
  readonly oddity: Oddity;
  count: number;
  example: SpoolPath;
  readonly untold: Map<string, SpoolPath>;
  toldMs: number;
}

const PERIOD_MS = 60_000;
/** About 100 bytes each: a line stays below what journald takes at once (LineMax=, 48 KiB). */
const NAMES_MAX = 200;
/** Remembered as told or waiting to be, of all kinds; further ones are only counted. */
const REMEMBERED_MAX = 10_000;

export class OddityReports {
  readonly #kinds = new Map<string, Kind>();
  readonly #known = new Set<string>();
  #seen = new Set<string>();
  #counts: readonly SkippedCount[] = [];

  /** As of the last scan that ended. */
  get counts(): readonly SkippedCount[] {
    return this.#counts;
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
      toldMs: Number.NEGATIVE_INFINITY,
    };
    this.#kinds.set(name, kind);
    if (kind.count === 0) kind.example = path;
    kind.count++;
    if (this.#known.has(id) || this.#known.size >= REMEMBERED_MAX) return;
    this.#known.add(id);
    kind.untold.set(id, path);
  }

  /**
   * The reports that are due. What the scan, which was complete, did not find is forgotten, and
   * told again if it returns.
   */
  scanEnded(nowMs: number): readonly OddityReport[] {
    for (const id of this.#known) if (!this.#seen.has(id)) this.#known.delete(id);
    const reports: OddityReport[] = [];
    for (const [name, kind] of this.#kinds) {
      for (const id of kind.untold.keys()) if (!this.#known.has(id)) kind.untold.delete(id);
      const due = kind.untold.size > 0 && nowMs - kind.toldMs >= PERIOD_MS;
      if (due) reports.push(report(kind, nowMs));
      else if (kind.count === 0 && nowMs - kind.toldMs >= PERIOD_MS) this.#kinds.delete(name);
    }
    this.#counts = [...this.#kinds.values()].filter(({ count }) => count > 0).map(countOf);
    return reports;
  }
}

function report(kind: Kind, nowMs: number): OddityReport {
  const paths = [...kind.untold].slice(0, NAMES_MAX);
  for (const [id] of paths) kind.untold.delete(id);
  kind.toldMs = nowMs;
  const { oddity, count } = kind;
  return { kind: 'oddities', oddity, paths: paths.map(([, path]) => path), count };
}

function countOf({ oddity, count, example }: Kind): SkippedCount {
  return { what: describeOddity(oddity, count), remedy: remedyOf(oddity), count, example };
}

// Counts what the scan of `halfpipe plan` meets.
import { IgnoreRules } from '../backlog/ignore-rules.ts';
import type { Settings } from '../config/settings.ts';
import { tooLargeFault } from '../drain/drain-faults.ts';
import { Packing } from '../packets/packing.ts';
import type { Entry, FileIdentity, SpoolPath } from '../spool/entry.ts';
import type { SpoolGlance } from '../spool/spool-glance.ts';
import { packingOptionsOf, partPlannerOf } from '../stage-options.ts';
import { keyFor } from '../store/keys.ts';
import type { PartPlan } from '../store/part-plan.ts';
import { Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';

/** Files that are left out or wait for one reason. */
export interface LeftOut {
  readonly reason: string;
  readonly remedy: string | undefined;
  readonly count: number;
  readonly example: string;
}

export interface PlannedFile {
  readonly path: SpoolPath;
  /** Undefined if it goes in a packet: its key is not known before. */
  readonly key: string | undefined;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly parts: PartPlan;
  /** The errno with which the file cannot be read; undefined if it can be. */
  readonly unreadable: string | undefined;
}

/** Counts what the scan meets, with one example of each kind. Bounded by the number of kinds. */
export class PlanTally {
  bytes = 0;
  packedFiles = 0;
  packedBytes = 0;
  inPartsFiles = 0;
  parts = 0;
  /** One file that is not settled. */
  unsettled: string | undefined;
  readonly #settings: Settings;
  readonly #planner;
  readonly #packing: Packing;
  readonly #rules: readonly IgnoreRules[];
  readonly #all: IgnoreRules;
  readonly #ignored = new Map<number, { count: number; readonly example: string }>();
  readonly #refused = new Map<string, { count: number; readonly fault: Fault; readonly example: string }>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#planner = partPlannerOf(settings);
    this.#packing = new Packing(packingOptionsOf(settings));
    this.#all = new IgnoreRules(settings.spool.ignore);
    this.#rules = settings.spool.ignore.map((pattern) => new IgnoreRules([pattern]));
  }

  get patterns(): readonly string[] {
    return this.#settings.spool.ignore;
  }

  ignores(name: Buffer, path: Buffer): boolean {
    if (!this.#all.ignores(name, path)) return false;
    const rule = this.#rules.findIndex((rules) => rules.ignores(name, path));
    const kind = this.#ignored.get(rule) ?? { count: 0, example: printable(path.toString('utf8')) };
    kind.count += 1;
    this.#ignored.set(rule, kind);
    return true;
  }

  /** False for a file that would end in the quarantine. */
  isAccepted(path: SpoolPath, identity: FileIdentity): boolean {
    const fault = this.#faultOf(path, identity);
    if (fault === undefined) return true;
    const name = fault.code ?? fault.message;
    const kind = this.#refused.get(name) ?? { count: 0, fault, example: `${path}` };
    kind.count += 1;
    this.#refused.set(name, kind);
    return false;
  }

  file(path: SpoolPath, identity: FileIdentity, settlesInMs: number): void {
    if (settlesInMs > 0) {
      this.unsettled ??= `${path}`;
      return;
    }
    if (this.#faultOf(path, identity) !== undefined) return;
    const { sizeBytes } = identity;
    const plan = this.#planner.plan(sizeBytes);
    this.bytes += sizeBytes;
    if (this.#packing.isPackable({ path, identity })) {
      this.packedFiles += 1;
      this.packedBytes += sizeBytes;
      return;
    }
    if (plan.isWhole) return;
    this.inPartsFiles += 1;
    this.parts += plan.partCount;
  }

  async planned({ path, identity, modifiedAtMs }: Entry, spool: SpoolGlance): Promise<PlannedFile> {
    const { sizeBytes } = identity;
    const isPacked = this.#packing.isPackable({ path, identity });
    return {
      ...{ path, sizeBytes, modifiedAtMs, parts: this.#planner.plan(sizeBytes) },
      key: isPacked ? undefined : keyFor(path.bytes, this.#settings.s3.prefix),
      unreadable: await spool.unreadable(path),
    };
  }

  /** The names that each pattern of the settings keeps out, in the order of the patterns. */
  ignored(patterns: readonly string[]): readonly LeftOut[] {
    return [...this.#ignored]
      .sort(([one], [other]) => one - other)
      .map(([rule, { count, example }]) => ({
        ...{
          reason: `spool.ignore has ${JSON.stringify(patterns[rule])}`,
          remedy: undefined,
          count,
          example,
        },
      }));
  }

  get refused(): readonly LeftOut[] {
    return [...this.#refused.values()].map(({ fault, count, example }) => ({
      ...{ reason: fault.message, remedy: fault.hint, count, example },
    }));
  }

  #faultOf(path: SpoolPath, identity: FileIdentity): Fault | undefined {
    const { largestBytes } = this.#planner;
    if (identity.sizeBytes > largestBytes) return tooLargeFault({ path, identity }, largestBytes);
    // A packet has a key of its own.
    if (this.#packing.isPackable({ path, identity })) return undefined;
    try {
      keyFor(path.bytes, this.#settings.s3.prefix);
      return undefined;
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
  }
}

// Whose fault a failure is: this machine's, the store's, a folder's or the file's own. In doubt the
// store is asked with a tiny object of our own: only when it refuses that, too, is it to blame, and
// the drain pauses.
import { type Entry, foldersOf, SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';
import type { Destination } from './destination.ts';
import { Detour } from './detour.ts';
import { isOutOfDescriptors, isSlowDown } from './drain-faults.ts';
import type { DrainPorts } from './drain-ports.ts';
import { FolderPatience, type HeldFolder } from './folder-patience.ts';
import type { TrialAnswer } from './store-trial.ts';
import { type Doubt, Suspicion } from './suspicion.ts';

/**
 * `unclear`: the network failed or the store is busy, so that neither store nor file is blamed yet.
 */
export type Verdict = 'here' | 'store' | 'folder' | 'file' | 'unclear';

/**
 * Our own object speaks against the files that fail only while these are so few: a store may take
 * nothing but ours.
 */
const FEW_FILES = 8;
/** Other folders to ask in, beside the one in which a file passed last. */
const OTHER_FOLDERS = 2;

export interface Failed {
  readonly entry: Entry;
  /** Where in the order it was taken. */
  readonly place: number;
  /** At most so many bytes were sent for it. */
  readonly sentBytes: number;
}

/** What the drain is about to do with files that may be bad, too. */
export interface BlamedTransfers {
  entries(): Iterable<Entry>;
  /**
   * Gives back those that were taken as the best files, or are accepted, and of which nothing has
   * been sent.
   */
  holdBackBest(): void;
  holdBack(accepts: (entry: Entry) => boolean): void;
  /** Its files wait with it from now on. */
  onFolderHeld(folder: string): void;
  /** The store asked for fewer requests. */
  onSlowDown(): void;
}

export class Blame {
  readonly #ports: Pick<DrainPorts, 'backlog' | 'clock' | 'onEvent'>;
  readonly #destination: Pick<Destination, 'breaker' | 'trial'>;
  readonly #transfers: BlamedTransfers;
  readonly #suspicion = new Suspicion();
  readonly #patience = new FolderPatience();
  readonly #detour = new Detour();
  /** Folders that are being asked. */
  readonly #asked = new Map<string, Promise<TrialAnswer>>();
  #lastPassed: string | undefined;
  #signs = 0;

  constructor(ports: DrainPorts, destination: Destination, transfers: BlamedTransfers) {
    this.#ports = ports;
    this.#destination = destination;
    this.#transfers = transfers;
  }

  /** Counts what says that the store works: what fails all the same may be the file's fault. */
  get signs(): number {
    return this.#signs;
  }

  /** Where files are taken. */
  get detour(): Detour {
    return this.#detour;
  }

  get heldFolders(): HeldFolder[] {
    return this.#patience.held;
  }

  isHeld(path: SpoolPath): boolean {
    return this.#patience.holds(path);
  }

  /** A held folder of which one file is to be tried now. */
  takeDueFolder(): string | undefined {
    const { breaker } = this.#destination;
    return this.#patience.takeDue(this.#ports.clock.monotonicMs(), breaker.probeMs);
  }

  /** `failing` is how many files are remembered as failed. */
  async of({ entry: { path }, place, sentBytes }: Failed, fault: Fault, failing: number): Promise<Verdict> {
    if (fault.isLocal || fault.faultClass === 'blocked') {
      this.#isBad(place, 0);
      return 'here';
    }
    const suspect = await this.#suspect(fault, foldersOf(path), failing);
    if (suspect === 'store' || suspect === 'unclear') return suspect;
    this.#isBad(place, sentBytes);
    const isOfKey = fault.faultClass === 'unknown' || fault.faultClass === 'file';
    return isOfKey && (await this.#isFolders(path, fault)) ? 'folder' : 'file';
  }

  /** An upload of this file has passed. */
  passed({ path, identity }: Entry, place: number): void {
    this.#signs += 1;
    this.#suspicion.passed();
    this.#detour.passed(place, identity.sizeBytes);
    this.#lastPassed = path.id.slice(0, path.id.lastIndexOf('/') + 1);
    for (const folder of this.#patience.passed(path, this.#ports.clock.monotonicMs())) this.#free(folder);
  }

  /** The store is to blame. */
  pause(fault: Fault): void {
    const { clock, onEvent } = this.#ports;
    const { breaker } = this.#destination;
    this.#suspicion.refusedOwn();
    if (breaker.fail(fault.message, clock.monotonicMs(), fault.retryAfterMs))
      onEvent({ kind: 'paused', fault });
  }

  /** Ends a pause, if there is one. */
  resume(): void {
    if (this.#destination.breaker.succeed()) this.#ports.onEvent({ kind: 'resumed' });
  }

  /** Whether the store takes objects of our own again, after a pause. */
  async askAgain(): Promise<TrialAnswer> {
    const answer = await this.#destination.trial.ask(() => this.#otherFolders([]));
    if (answer === 'passed') this.#suspicion.tookOwn(this.#ports.clock.monotonicMs());
    return answer;
  }

  /** The store refuses our own objects, and has taken a file all the same. */
  tookFileOnly(): void {
    this.#suspicion.tookFileOnly();
  }

  /** Asks in a held folder of which no file is at hand. */
  async askHeldFolder(folder: string): Promise<void> {
    await this.#freesWhenAsked(folder);
  }

  /** With new settings no folder is held any more. */
  forgive(): void {
    for (const folder of this.#patience.clear()) this.#free(folder);
  }

  #isBad(place: number, sentBytes: number): void {
    if (this.#detour.failed(place, sentBytes)) this.#transfers.holdBackBest();
  }

  async #suspect(
    fault: Fault,
    own: readonly string[],
    failing: number,
  ): Promise<'store' | 'file' | 'unclear'> {
    const { clock, onEvent } = this.#ports;
    const { breaker } = this.#destination;
    const doubt = doubtOf(fault);
    if (doubt === 'slowDown') {
      this.#transfers.onSlowDown();
      onEvent({ kind: 'slowDown' });
    }
    if (breaker.reason !== undefined) return 'store';
    const suspect = this.#suspicion.failed(doubt, clock.monotonicMs());
    if (suspect !== 'ask') return suspect;
    const answer = await this.#destination.trial.ask(() => this.#otherFolders(own));
    if (answer === 'ended') return 'store';
    if (answer === 'passed') {
      this.#suspicion.tookOwn(clock.monotonicMs());
      if (failing <= FEW_FILES) this.#signs += 1;
      return 'file';
    }
    if (isOutOfDescriptors(answer)) return 'unclear';
    this.pause(answer);
    return 'store';
  }

  async #isFolders(path: SpoolPath, fault: Fault): Promise<boolean> {
    const { clock, backlog, onEvent } = this.#ports;
    const { breaker } = this.#destination;
    const held = this.#patience.holderOf(path);
    // What the last files of a held folder fail by may be their own: the folder is asked beside
    // them, or it waited for ever.
    if (held !== undefined) return !(await this.#freesWhenAsked(held));
    const folder = this.#patience.refused(path, clock.monotonicMs());
    if (folder === undefined) return false;
    const answer = await this.#askFolder(folder);
    if (answer === 'ended') return false;
    if (answer === 'passed') {
      this.#patience.works(folder, clock.monotonicMs());
      return false;
    }
    if (answer.faultClass === 'transient') return false;
    if (this.#patience.holds(path)) return true;
    if (!this.#patience.hold(folder, fault, clock.monotonicMs(), breaker.probeMs)) return false;
    backlog.hold(folder);
    this.#transfers.onFolderHeld(folder);
    this.#transfers.holdBack((entry) => this.#patience.holds(entry.path));
    onEvent({ kind: 'folderHeld', folder: nameOf(folder), fault });
    return true;
  }

  /** Files of one folder that fail together wait for one answer. */
  #askFolder(folder: string): Promise<TrialAnswer> {
    const asked =
      this.#asked.get(folder) ??
      this.#destination.trial.askFolder(folder).finally(() => this.#asked.delete(folder));
    this.#asked.set(folder, asked);
    return asked;
  }

  async #freesWhenAsked(folder: string): Promise<boolean> {
    if ((await this.#askFolder(folder)) !== 'passed') return false;
    for (const freed of this.#patience.free(folder, this.#ports.clock.monotonicMs())) this.#free(freed);
    return true;
  }

  #free(folder: string): void {
    this.#ports.backlog.free(folder);
    this.#ports.onEvent({ kind: 'folderFreed', folder: nameOf(folder) });
  }

  /** Where else the store may take an object: credentials may be for one folder alone. */
  #otherFolders(own: readonly string[]): string[] {
    const folders = new Set<string>();
    if (this.#lastPassed !== undefined) folders.add(this.#lastPassed);
    const tops = new Set(own.slice(0, 1));
    const isOther = ({ path }: Entry) => !tops.has(foldersOf(path)[0] ?? '');
    for (let more = 0; more < OTHER_FOLDERS; more += 1) {
      const other = [...this.#transfers.entries()].find(isOther) ?? this.#ports.backlog.find(isOther);
      if (other === undefined) break;
      tops.add(foldersOf(other.path)[0] ?? '');
      folders.add(foldersOf(other.path).at(-1) ?? '');
    }
    return [...folders];
  }
}

function doubtOf(fault: Fault): Doubt {
  if (isSlowDown(fault)) return 'slowDown';
  return fault.faultClass === 'transient' ? 'transient' : 'refusal';
}

/** The folder's path as people read it; '' is the spool itself. */
export function nameOf(folder: string): string {
  return `${new SpoolPath(Buffer.from(folder, 'latin1'))}`;
}

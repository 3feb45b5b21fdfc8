// Decides what is to blame for a failure: this machine, the store, a folder or the file itself.
import { type Entry, foldersOf, SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';
import type { Destination } from './destination.ts';
import { Detour } from './detour.ts';
import { isOutOfDescriptors } from './drain-faults.ts';
import type { DrainPorts } from './drain-ports.ts';
import { FolderPatience, type HeldFolder } from './folder-patience.ts';
import type { TrialAnswer } from './store-trial.ts';
import { type Doubt, Suspicion } from './suspicion.ts';

/**
 * `here`: this machine. `unclear`: the network failed or the store is busy, so that neither the
 * store nor the file is blamed yet.
 */
export type Verdict = 'here' | 'store' | 'folder' | 'file' | 'unclear';

/**
 * If more files than this have failed, an accepted object of our own proves nothing against them:
 * the store may accept nothing else.
 */
const FAILING_FILES_MAX = 8;
/** How many other folders to ask in, besides the one where a file passed last. */
const OTHER_FOLDERS = 2;

export interface Failed {
  readonly entry: Entry;
  /** Where in the order the file was taken; see Detour. */
  readonly place: number;
  /** At most this many bytes were sent for it. */
  readonly sentBytes: number;
}

/** The running transfers, which may meet the same failure. */
export interface BlamedTransfers {
  entries(): Iterable<Entry>;
  /** Gives back transfers that were taken as the best files and have sent nothing. */
  returnBest(): void;
  /** Gives back accepted transfers that have sent nothing. */
  returnUnsent(accepts: (entry: Entry) => boolean): void;
  /** The files of this folder wait together from now on. */
  onFolderHeld(folder: string): void;
  /** The store asked for fewer requests. */
  onSlowDown(): void;
}

/**
 * When in doubt, it puts a tiny object of our own. Only if the store refuses that as well is the
 * store to blame, and the drain pauses. If the store refuses files of one folder only, the folder
 * is held.
 * Asking may take 30 s for each folder; a stop or a new store ends it. Nothing rejects.
 */
export class Blame {
  readonly #ports: Pick<DrainPorts, 'backlog' | 'clock' | 'onEvent'>;
  readonly #destination: Pick<Destination, 'breaker' | 'trial'>;
  readonly #transfers: BlamedTransfers;
  readonly #suspicion = new Suspicion();
  readonly #patience = new FolderPatience();
  readonly #detour = new Detour();
  /** Folders where an answer is awaited. */
  readonly #asked = new Map<string, Promise<TrialAnswer>>();
  #lastPassed: string | undefined;
  #signs = 0;

  constructor(ports: DrainPorts, destination: Destination, transfers: BlamedTransfers) {
    this.#ports = ports;
    this.#destination = destination;
    this.#transfers = transfers;
  }

  /**
   * Counts the signs that the store works. A file that fails after such a sign may itself be to
   * blame.
   */
  get signs(): number {
    return this.#signs;
  }

  /** Decides where in the order files are taken. */
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

  /**
   * Decides what is to blame for `fault`, and pauses the drain or holds a folder if necessary.
   * `failing` is the number of files that are remembered as failed.
   */
  async judge(
    { entry: { path, isPacket }, place, sentBytes }: Failed,
    fault: Fault,
    failing: number,
  ): Promise<Verdict> {
    if (fault.isLocal || fault.faultClass === 'blocked') {
      this.#countBad(place, 0);
      return 'here';
    }
    const suspect = await this.#suspect(fault, foldersOf(path), failing);
    if (suspect === 'store' || suspect === 'unclear') return suspect;
    this.#countBad(place, sentBytes);
    // The folder of a packet is ours, and says nothing about its key.
    const isOfFolder = !isPacket && (fault.faultClass === 'unknown' || fault.faultClass === 'file');
    return isOfFolder && (await this.#holdsFolderIfRefused(path, fault)) ? 'folder' : 'file';
  }

  /** An upload of this file succeeded. */
  passed({ path, identity, isPacket }: Entry, place: number): void {
    this.#signs += 1;
    this.#suspicion.passed();
    this.#detour.passed(place, identity.sizeBytes);
    if (!isPacket) this.#lastPassed = path.id.slice(0, path.id.lastIndexOf('/') + 1);
    for (const folder of this.#patience.passed(path, this.#ports.clock.monotonicMs())) this.#free(folder);
  }

  /** No file can be sent and removed: begins or prolongs a pause. */
  pause(fault: Fault): void {
    const { clock, onEvent } = this.#ports;
    const { breaker } = this.#destination;
    this.#suspicion.refusedOwn();
    if (breaker.fail(fault, clock.monotonicMs(), fault.retryAfterMs)) onEvent({ kind: 'paused', fault });
  }

  /** Ends a pause, if there is one. */
  resume(): void {
    if (this.#destination.breaker.succeed()) this.#ports.onEvent({ kind: 'resumed' });
  }

  /** After a pause: resolves with whether the store accepts an object of our own again. */
  async askAgain(): Promise<TrialAnswer> {
    const answer = await this.#destination.trial.ask(() => this.#otherFolders([]));
    if (answer === 'passed') this.#suspicion.tookOwn(this.#ports.clock.monotonicMs());
    return answer;
  }

  /** The store refuses our own objects, but has accepted a file. */
  tookFileOnly(): void {
    this.#suspicion.tookFileOnly();
  }

  /** Asks in a held folder of which no file is at hand, and frees it if the store accepts. */
  async askHeldFolder(folder: string): Promise<void> {
    await this.#freesWhenAsked(folder);
  }

  /** There are new settings, so no folder is held any more. */
  forgive(): void {
    for (const folder of this.#patience.clear()) this.#free(folder);
  }

  #countBad(place: number, sentBytes: number): void {
    if (this.#detour.failed(place, sentBytes)) this.#transfers.returnBest();
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
      if (failing <= FAILING_FILES_MAX) this.#signs += 1;
      return 'file';
    }
    if (isOutOfDescriptors(answer)) return 'unclear';
    this.pause(answer);
    return 'store';
  }

  async #holdsFolderIfRefused(path: SpoolPath, fault: Fault): Promise<boolean> {
    const { clock, backlog, onEvent } = this.#ports;
    const { breaker } = this.#destination;
    const held = this.#patience.holderOf(path);
    // The last files of a held folder may fail for their own reasons. So the folder is asked beside
    // them; otherwise it would wait for ever.
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
    this.#transfers.returnUnsent((entry) => this.#patience.holds(entry.path));
    onEvent({ kind: 'folderHeld', folder: nameOf(folder), fault });
    return true;
  }

  /** Files of one folder that fail together wait for the same answer. */
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

  /**
   * Other folders in which the store may accept an object, because credentials may be valid for
   * some folders only.
   */
  #otherFolders(own: readonly string[]): string[] {
    const folders = new Set<string>();
    if (this.#lastPassed !== undefined) folders.add(this.#lastPassed);
    const tops = new Set(own.slice(0, 1));
    const isOther = ({ path, isPacket }: Entry) => !isPacket && !tops.has(foldersOf(path)[0] ?? '');
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
  if (fault.asksForFewer) return 'slowDown';
  return fault.faultClass === 'transient' ? 'transient' : 'refusal';
}

/** The folder's path as text; '' is the root of the spool. */
export function nameOf(folder: string): string {
  return `${new SpoolPath(Buffer.from(folder, 'latin1'))}`;
}
